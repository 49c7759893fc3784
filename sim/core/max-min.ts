// Exact max-min fair rates of flows that share limited links: the yardstick for the local shares of the event model.
// Progressive filling, one saturated link at a time. Knows links and flows only, never nodes, pieces or time.
import { assert } from "../../protocol/machine.ts";

/** A flow crosses at most so many links: its source, out of a zone, into a zone, its destination. */
export const LINKS_PER_FLOW = 4;
/** Fills a flow's row when it crosses fewer. */
export const NO_LINK = -1;

/**
 * Flow number f crosses the links `links[4 f]` to `links[4 f + 3]`, `NO_LINK` where there is none; no link twice, and
 * one at least.
 */
export interface Flows {
  readonly count: number;
  readonly links: Int32Array;
}

/**
 * Rates such that none can grow without taking from one that is no greater (Bertsekas and Gallager, Data Networks,
 * 6.5.2). Costs `flows + links log links` in practice: an equal share only ever grows while flows elsewhere are
 * settled, so an old entry of the heap is a lower bound, and is put right when it comes to the top.
 */
export class MaxMinSolver {
  readonly #capacities: Float64Array;
  readonly #left: Float64Array;
  /** Flows without a rate, by link. */
  readonly #waiting: Int32Array;
  /** Where each link's part of `#members` begins; one more than links. */
  readonly #starts: Int32Array;
  #members = new Int32Array(0);
  readonly #heap: Int32Array;
  #heapSize = 0;
  /** A lower bound of each link's equal share: what the heap is ordered by. */
  readonly #keys: Float64Array;

  /** Bytes per second of each link, above 0 and finite. */
  constructor(capacities: Float64Array) {
    const linkCount = capacities.length;
    this.#capacities = capacities;
    this.#left = new Float64Array(linkCount);
    this.#waiting = new Int32Array(linkCount);
    this.#starts = new Int32Array(linkCount + 1);
    this.#heap = new Int32Array(linkCount);
    this.#keys = new Float64Array(linkCount);
  }

  /** Bytes per second of each flow. */
  solve(flows: Flows): Float64Array {
    const rates = new Float64Array(flows.count).fill(-1);
    this.#gather(flows);
    this.#fillHeap();
    while (this.#heapSize > 0) {
      const link = this.#heap[0] ?? 0;
      const share = this.#shareOf(link);
      if (share > (this.#keys[link] ?? 0)) {
        this.#keys[link] = share;
        this.#sink(0);
        continue;
      }
      this.#dropTop();
      if ((this.#waiting[link] ?? 0) > 0) this.#settle(flows, { link, share, rates });
    }
    return rates;
  }

  /** Lists the flows of every link, one link after another. */
  #gather({ count, links }: Flows): void {
    this.#left.set(this.#capacities);
    this.#waiting.fill(0);
    for (let at = 0; at < count * LINKS_PER_FLOW; at++) {
      const link = links[at] ?? NO_LINK;
      if (link !== NO_LINK) this.#waiting[link] = (this.#waiting[link] ?? 0) + 1;
    }
    let total = 0;
    for (const [link, waiting] of this.#waiting.entries()) {
      total += waiting;
      this.#starts[link] = total;
    }
    this.#starts[this.#waiting.length] = total;
    if (this.#members.length < total) this.#members = new Int32Array(total);
    for (let at = count * LINKS_PER_FLOW - 1; at >= 0; at--) {
      const link = links[at] ?? NO_LINK;
      if (link === NO_LINK) continue;
      const place = (this.#starts[link] ?? 0) - 1;
      this.#starts[link] = place;
      this.#members[place] = Math.floor(at / LINKS_PER_FLOW);
    }
  }

  /** The flows of a saturated link that have no rate yet get its equal share, and take it from their other links. */
  #settle({ links }: Flows, { link, share, rates }: Saturated): void {
    const end = this.#starts[link + 1] ?? 0;
    for (let place = this.#starts[link] ?? 0; place < end; place++) {
      const flow = this.#members[place] ?? 0;
      if ((rates[flow] ?? 0) >= 0) continue;
      rates[flow] = share;
      for (let at = flow * LINKS_PER_FLOW; at < (flow + 1) * LINKS_PER_FLOW; at++) {
        const crossed = links[at] ?? NO_LINK;
        if (crossed === NO_LINK) continue;
        this.#left[crossed] = Math.max(0, (this.#left[crossed] ?? 0) - share);
        this.#waiting[crossed] = (this.#waiting[crossed] ?? 0) - 1;
      }
    }
  }

  /** What each waiting flow of a link could have; never less than was found before, or rounding would undo order. */
  #shareOf(link: number): number {
    const waiting = this.#waiting[link] ?? 0;
    const key = this.#keys[link] ?? 0;
    return waiting === 0 ? key : Math.max(key, (this.#left[link] ?? 0) / waiting);
  }

  #fillHeap(): void {
    this.#heapSize = 0;
    for (const [link, waiting] of this.#waiting.entries()) {
      if (waiting === 0) continue;
      const capacity = this.#capacities[link] ?? 0;
      assert(capacity > 0 && capacity < Number.POSITIVE_INFINITY, `link ${link} carries ${capacity} bytes/s`);
      this.#keys[link] = capacity / waiting;
      this.#heap[this.#heapSize] = link;
      this.#heapSize += 1;
    }
    for (let place = (this.#heapSize >>> 1) - 1; place >= 0; place--) this.#sink(place);
  }

  #dropTop(): void {
    this.#heapSize -= 1;
    this.#heap[0] = this.#heap[this.#heapSize] ?? 0;
    this.#sink(0);
  }

  #sink(from: number): void {
    const link = this.#heap[from] ?? 0;
    const key = this.#keys[link] ?? 0;
    let place = from;
    while (2 * place + 1 < this.#heapSize) {
      let child = 2 * place + 1;
      if (child + 1 < this.#heapSize && this.#keyAt(child + 1) < this.#keyAt(child)) child += 1;
      if (this.#keyAt(child) >= key) break;
      this.#heap[place] = this.#heap[child] ?? 0;
      place = child;
    }
    this.#heap[place] = link;
  }

  #keyAt(place: number): number {
    return this.#keys[this.#heap[place] ?? 0] ?? 0;
  }
}

interface Saturated {
  readonly link: number;
  readonly share: number;
  readonly rates: Float64Array;
}
