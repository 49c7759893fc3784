// Bytes that may lie encoded in memory for all nodes together. Who finds it spent waits in line.

export class SendBudget {
  readonly #bytesMax: number;
  #bytes = 0;
  /** In the order of arrival. */
  readonly #waiting = new Set<() => void>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False when it is spent; `retry` is then called once when there is room again. */
  hasRoom(retry: () => void): boolean {
    if (this.#bytes < this.#bytesMax) return true;
    this.#waiting.add(retry);
    return false;
  }

  /** May overshoot by the one frame that filled it: its size is only known once it is encoded. */
  take(bytes: number): void {
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    for (const retry of this.#waiting) {
      if (this.#bytes >= this.#bytesMax) return;
      this.#waiting.delete(retry);
      retry();
    }
  }

  /** For one that goes away while it waits. */
  forget(retry: () => void): void {
    this.#waiting.delete(retry);
  }
}
