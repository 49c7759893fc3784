// The way through an activation as one table: which step follows which, forward and back, and how it can end.
// Pure look-up; activation.ts walks it.
import { MESSAGE_CHARS_MAX } from "../../protocol/limits.ts";
import { assertNever } from "../../protocol/machine.ts";
import type { ActivationStep } from "../../protocol/messages.ts";
import type { ActivationPhase, Failure } from "./app-journal.ts";

export interface StepFacts {
  /** The order takes the app off the node instead of making a release live. */
  readonly removing: boolean;
  /** The ordered release is itself what a failure would go back to. */
  readonly targetIsFallback: boolean;
  /** What there is to go back to; `unknown`: a directory whose manifest this node does not have. */
  readonly fallback: "none" | "known" | "unknown";
}

/** `restored`: the fallback is live and healthy. `broken`: nothing healthy is live. `gone`: the link is removed. */
export type Conclusion = "healthy" | "deactivated" | "restored" | "broken" | "unproven" | "gone";

export type NextStep =
  | { readonly kind: "enter"; readonly phase: ActivationPhase }
  | { readonly kind: "conclude"; readonly conclusion: Conclusion };

/** What the node's people see of each phase. */
export const STEP_SHOWN: { readonly [P in ActivationPhase]: ActivationStep } = {
  "stop-old": "stopping",
  switch: "switching",
  "start-new": "starting",
  "probe-new": "probing",
  "stop-new": "restoring",
  "switch-back": "restoring",
  "start-old": "restoring",
  "probe-old": "restoring",
};

const PHASE_WORDS: { readonly [P in ActivationPhase]: string } = {
  "stop-old": "stopping what was live",
  switch: "switching",
  "start-new": "starting it",
  "probe-new": "probing it",
  "stop-new": "stopping it",
  "switch-back": "switching back",
  "start-old": "starting the previous release",
  "probe-old": "probing the previous release",
};

export function afterDone(phase: ActivationPhase, facts: StepFacts): NextStep {
  switch (phase) {
    case "stop-old":
      return enter("switch");
    case "switch":
      return facts.removing ? conclude("deactivated") : enter("start-new");
    case "start-new":
      return enter("probe-new");
    case "probe-new":
      return conclude("healthy");
    case "stop-new":
      return enter("switch-back");
    case "switch-back":
      if (facts.fallback === "known") return enter("start-old");
      return conclude(facts.fallback === "none" ? "gone" : "unproven");
    case "start-old":
      return enter("probe-old");
    case "probe-old":
      return conclude("restored");
    default:
      return assertNever(phase);
  }
}

export function afterFailed(phase: ActivationPhase, facts: StepFacts): NextStep {
  // For a removal, and where the target is what one would go back to, forward is the only way.
  const onlyForward = facts.removing || facts.targetIsFallback;
  switch (phase) {
    case "stop-old":
      return enter(onlyForward ? "switch" : "switch-back");
    case "switch":
      return onlyForward ? conclude("broken") : enter("switch-back");
    case "start-new":
    case "probe-new":
      return facts.targetIsFallback ? conclude("broken") : enter("stop-new");
    case "stop-new":
      return enter("switch-back");
    case "switch-back":
    case "start-old":
    case "probe-old":
      return conclude("broken");
    default:
      return assertNever(phase);
  }
}

/** Keeps the first failure, which is the cause, and adds what went wrong after it. */
export function addFailure(first: Failure | null, phase: ActivationPhase, later: Failure): Failure {
  if (first === null) return { ...later, message: clipMessage(later.message) };
  const message = clipMessage(`${first.message}; then ${PHASE_WORDS[phase]}: ${later.message}`);
  return { ...first, message, logTail: first.logTail.length > 0 ? first.logTail : later.logTail };
}

export function clipMessage(message: string): string {
  return message.length <= MESSAGE_CHARS_MAX ? message : `${message.slice(0, MESSAGE_CHARS_MAX - 1)}…`;
}

function enter(phase: ActivationPhase): NextStep {
  return { kind: "enter", phase };
}

function conclude(conclusion: Conclusion): NextStep {
  return { kind: "conclude", conclusion };
}
