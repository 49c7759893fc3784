// What a simulated rollout does to its nodes, counted at every instant: how many at once at most, and how many in all.

/** Nodes to which something applied. */
export interface Reach {
  /** At the worst moment. */
  readonly atOnce: number;
  /** At any time. */
  readonly total: number;
}

export class Gauge {
  readonly #isOn: Uint8Array;
  readonly #wasOn: Uint8Array;
  #now = 0;
  #atOnce = 0;
  #total = 0;

  constructor(nodeCount: number) {
    this.#isOn = new Uint8Array(nodeCount);
    this.#wasOn = new Uint8Array(nodeCount);
  }

  /** How many it applies to at this instant. */
  get now(): number {
    return this.#now;
  }

  get reach(): Reach {
    return { atOnce: this.#atOnce, total: this.#total };
  }

  set(node: number, on: boolean): void {
    if ((this.#isOn[node] === 1) === on) return;
    this.#isOn[node] = on ? 1 : 0;
    this.#now += on ? 1 : -1;
    if (!on) return;
    this.#atOnce = Math.max(this.#atOnce, this.#now);
    if (this.#wasOn[node] === 1) return;
    this.#wasOn[node] = 1;
    this.#total += 1;
  }
}

/** Of nodes that have not vanished. */
export interface RolloutGauges {
  /** The new release is live there, whether it works or not. */
  readonly exposed: Gauge;
  /** The new release is live there and does not work: the blast radius. */
  readonly broken: Gauge;
  /** Nothing that works is live: it switches, or what it switched to is broken. */
  readonly down: Gauge;
}

export function createGauges(nodeCount: number): RolloutGauges {
  return { exposed: new Gauge(nodeCount), broken: new Gauge(nodeCount), down: new Gauge(nodeCount) };
}
