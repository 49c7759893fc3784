// Made-up time: what was put off happens in order of time, and of asking where times are equal.

interface Step {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A binary heap, as a swarm has thousands of things under way. */
export class VirtualClock {
  now = 0;
  readonly #heap: Step[] = [];
  #order = 0;

  after(delayMs: number, run: () => void): void {
    this.#order += 1;
    const step = { at: this.now + Math.max(0, delayMs), order: this.#order, run };
    let index = this.#heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || isBefore(above, step)) break;
      this.#heap[index] = above;
      index = parent;
    }
    this.#heap[index] = step;
  }

  /** False when nothing is left to happen. */
  step(): boolean {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return false;
    if (this.#heap.length > 0) this.#sink(last);
    this.now = first.at;
    first.run();
    return true;
  }

  #sink(step: Step): void {
    let index = 0;
    while (true) {
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || isBefore(step, child)) break;
      this.#heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    this.#heap[index] = step;
  }
}

function isBefore(a: Step, b: Step): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
