// What could not be staged, remembered so that the same order sent again gets the same answer. Decides nothing.
import type { ReleaseRef } from "../../protocol/manifest.ts";
import type { NodeMessage } from "../../protocol/messages.ts";
import { keyOf } from "./stage-job.ts";

export type StageFailed = Extract<NodeMessage, { kind: "stage-failed" }>;
export type FailureReport = Omit<StageFailed, "kind">;

/** The newest: more releases than a node ever has under way. */
const REMEMBERED_MAX = 64;

export class StageFailures {
  readonly #answers = new Map<string, StageFailed>();

  /** As the coordinator is to be told of it. */
  remember({ generation, release, code, message }: FailureReport): StageFailed {
    const answer: StageFailed = { kind: "stage-failed", generation, release, code, message };
    this.forget(release);
    this.#answers.set(keyOf(release), answer);
    for (const key of [...this.#answers.keys()].slice(0, -REMEMBERED_MAX)) this.#answers.delete(key);
    return answer;
  }

  of(release: ReleaseRef): StageFailed | undefined {
    return this.#answers.get(keyOf(release));
  }

  forget(release: ReleaseRef): void {
    this.#answers.delete(keyOf(release));
  }

  /** Oldest first. */
  all(): Iterable<StageFailed> {
    return this.#answers.values();
  }
}
