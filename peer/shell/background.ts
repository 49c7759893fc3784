// A few operations at a time behind the caller's back, so that one fsync does not wait for the other.
// Owns no timers; the first failure is kept and thrown at the next call.

export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #runningMax: number;
  #failure: { readonly cause: unknown } | null = null;

  constructor(runningMax: number) {
    this.#runningMax = runningMax;
  }

  /** Starts `operation` once there is room for it. Throws what an earlier one threw. */
  async start(operation: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#runningMax) await Promise.race(this.#running);
    this.#throwFailure();
    const running = this.#run(operation).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits for all that was started, then throws what any of them threw first. */
  async drain(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  /** Waits for all that was started, whatever came of it. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #run(operation: () => Promise<void>): Promise<void> {
    try {
      await operation();
    } catch (cause) {
      this.#failure ??= { cause };
    }
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.cause;
  }
}
