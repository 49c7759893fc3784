// Counts probe rounds towards healthy. Says when the next round is due and when enough have passed in a row.
import type { Millis } from "../../protocol/ids.ts";
import type { HealthPolicy } from "../../protocol/manifest.ts";

export class HealthGate {
  readonly #policy: HealthPolicy;
  readonly #startedAt: Millis;
  #nextRoundAt: Millis;
  #roundStartedAt: Millis | null = null;
  #passed = 0;
  #problem: string | null = null;

  /** `startedAt`: when the start hook ended. */
  constructor(policy: HealthPolicy, startedAt: Millis) {
    this.#policy = policy;
    this.#startedAt = startedAt;
    this.#nextRoundAt = startedAt;
  }

  get healthy(): boolean {
    return this.#passed >= this.#policy.successes;
  }

  /** What the last failed round said; null while none has failed. */
  get problem(): string | null {
    return this.#problem;
  }

  /** When to start a round; null while one runs. */
  get nextRoundAt(): Millis | null {
    return this.#roundStartedAt === null ? this.#nextRoundAt : null;
  }

  beginRound(now: Millis): void {
    this.#roundStartedAt = now;
  }

  /** `problem` is null when every probe of the round passed. */
  endRound(problem: string | null, now: Millis): void {
    const startedAt = this.#roundStartedAt ?? now;
    this.#roundStartedAt = null;
    this.#nextRoundAt = Math.max(now, startedAt + this.#policy.intervalMs);
    if (problem === null) {
      this.#passed += 1;
      return;
    }
    this.#problem = problem;
    if (now - this.#startedAt >= this.#policy.startPeriodMs) this.#passed = 0;
  }
}
