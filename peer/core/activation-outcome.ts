// What an ended order leaves behind in the journal: its outcome, and which release counts as healthy from now on.
import { assert, assertNever } from "../../protocol/machine.ts";
import type { Outcome } from "../../protocol/messages.ts";
import { addFailure, type Conclusion } from "./activation-steps.ts";
import { type AppJournal, type Failure, linkTargetOf, type OrderRecord } from "./app-journal.ts";

export function concludeOrder(journal: AppJournal, conclusion: Conclusion): AppJournal {
  const record = journal.current;
  assert(record !== null, "concluding without an order");
  switch (conclusion) {
    case "healthy":
      return settled({ ...journal, ...healthyNow(journal, record) }, record, { kind: "healthy" });
    case "deactivated": {
      const removed = { ...journal, previous: journal.healthy ?? journal.previous, healthy: null };
      const { failure } = record;
      return settled(removed, record, failure === null ? { kind: "healthy" } : failed(failure, "none"));
    }
    case "restored":
      return settled(journal, record, failed(record.failure, "done"));
    case "broken":
      return settled(journal, record, failed(record.failure, "failed"));
    case "unproven":
      return settled(journal, record, failed(unknownFallback(record), "failed"));
    case "gone":
      return settled({ ...journal, healthy: null }, record, failed(record.failure, "none"));
    default:
      return assertNever(conclusion);
  }
}

function settled(journal: AppJournal, record: OrderRecord, outcome: Outcome): AppJournal {
  return { ...journal, current: { ...record, phase: null, failure: null, outcome } };
}

function healthyNow(journal: AppJournal, record: OrderRecord): Pick<AppJournal, "healthy" | "previous"> {
  const { healthy, previous } = journal;
  const target = record.order.kind === "activate" ? linkTargetOf(record.order.release) : null;
  const stays = healthy === null || healthy.directory === target?.directory;
  return { healthy: target, previous: stays ? previous : healthy };
}

function failed(failure: Failure | null, restored: "done" | "failed" | "none"): Outcome {
  assert(failure !== null, "a failed order without a failure");
  return { kind: "failed", ...failure, restored };
}

function unknownFallback(record: OrderRecord): Failure {
  const message = `${record.fallback?.directory} is live again, but this node does not know how to start it`;
  return addFailure(record.failure, "start-old", { code: "rollback-failed", message, logTail: [] });
}
