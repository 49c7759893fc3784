// A process for a test to kill: commits batches in which all records carry the same number, and reports each when it is
// done. Goes on from what an earlier life has left.
import { writeSync } from "node:fs";
import { SqliteStore } from "../../../../coordinator/shell/sqlite-store.ts";
import type { FleetEvent } from "../../../../protocol/api.ts";

const RECORDS_PER_BATCH = 100;

const store = new SqliteStore(process.argv[2] ?? "");
const [known] = store.loadRecords();
let batch = known?.kind === "counters" && known.body !== null && "event" in known.body ? known.body.event : 0;
for (;;) {
  batch += 1;
  const body = { generation: batch, rollout: batch, event: batch };
  const records = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => {
    return { kind: "counters", key: `k${index}`, body } as const;
  });
  const blank = { rolloutId: null, app: null, version: null, node: null };
  const event: FleetEvent = { id: batch, at: batch, kind: "node-joined", ...blank, message: "x".repeat(500) };
  store.commit({ records, events: [event] });
  writeSync(1, `${batch}\n`);
}
