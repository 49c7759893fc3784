// What the end of a rollout means for the person who asked for it: the exit code, and the error when there is
// one. Pure.
import type { RolloutNodeView, RolloutView } from "../../protocol/api.ts";
import { ERRORS, type ErrorCode, isErrorCode } from "../../protocol/errors.ts";
import type { Failure } from "../failure.ts";
import { count } from "../format/units.ts";

/** `back`: the person asked for the rollout to be undone, so that it was rolled back is what they wanted. */
export type Intent = "forward" | "back";

/** Null when it ended as asked. */
export function verdictOn(rollout: RolloutView, intent: Intent): Failure | null {
  const isUndone = rollout.phase === "rolled-back" || rollout.phase === "failed";
  if (intent === "back" && rollout.lane === "release") {
    if (isUndone) return null;
    if (rollout.phase === "succeeded") return tooLate(rollout);
  }
  switch (rollout.phase) {
    case "staging":
    case "activating":
    case "rolling-back":
    case "succeeded":
      return null;
    case "failed":
      return failed(rollout);
    case "rolled-back":
      return failure(rollout, "was rolled back", "rollout-failed");
    case "rollback-incomplete":
      return failure(rollout, "left the fleet mixed", "fleet-mixed");
  }
}

/** Nodes that did not do what they were told to. */
export function failingNodes(rollout: RolloutView): readonly RolloutNodeView[] {
  return rollout.nodes.filter(({ phase }) => isFailing(phase));
}

function isFailing(phase: RolloutNodeView["phase"]): boolean {
  return phase === "stage-failed" || phase === "failed" || phase === "lost" || phase === "rollback-failed";
}

/** Refused by every node that refused (5), or broken (3): the table of errors says which a node's code is. */
function failed(rollout: RolloutView): Failure {
  const result = failure(rollout, "failed, and nothing was activated", "stage-failed");
  const codes = failingNodes(rollout).map((node) => node.code ?? "");
  const areRefusals =
    codes.length > 0 && codes.every((code) => isErrorCode(code) && ERRORS[code].exitCode === 5);
  return { ...result, exitCode: areRefusals ? 5 : 3 };
}

function failure(rollout: RolloutView, what: string, fallback: ErrorCode): Failure {
  const code = isErrorCode(rollout.code ?? "") ? (rollout.code ?? fallback) : fallback;
  const reason = commonReason(rollout);
  // What a node said is the cause; the rollout's own message only says what followed from it.
  const why = reason?.message ?? rollout.message;
  const message = `${rollout.app} ${rollout.version} ${what}${why === null ? "" : `: ${why}`}`;
  const next = reason?.next ?? ERRORS[isErrorCode(code) ? code : fallback].next;
  return { code: reason?.code ?? code, message, next, exitCode: ERRORS[fallback].exitCode, stack: null };
}

/** The one code that every failing node gives says more than the rollout's own. */
function commonReason(rollout: RolloutView): { code: ErrorCode; message: string; next: string } | null {
  const nodes = failingNodes(rollout);
  const [first] = nodes;
  if (first === undefined || !nodes.every((node) => node.code === first.code)) return null;
  const { code } = first;
  if (code === null || !isErrorCode(code)) return null;
  const others = nodes.length === 1 ? "" : ` (and ${count(nodes.length - 1, "more node")})`;
  return { code, message: `${first.name}: ${first.message ?? code}${others}`, next: ERRORS[code].next };
}

function tooLate(rollout: RolloutView): Failure {
  const { exitCode } = ERRORS["rollout-failed"];
  const message = `${rollout.app} ${rollout.version} had succeeded before it could be stopped`;
  return { code: "rollout-failed", message, next: "Run `fleet rollback` again.", exitCode, stack: null };
}
