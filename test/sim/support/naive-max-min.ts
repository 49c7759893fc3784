// Max-min fair rates by looking at every link again for every step: slow, and simple enough to be believed.
import { type Flows, LINKS_PER_FLOW, NO_LINK } from "../../../sim/core/max-min.ts";

/** The links each flow crosses. */
export function pathsOf({ count, links }: Flows): number[][] {
  return Array.from({ length: count }, (_, flow) =>
    [...links.slice(flow * LINKS_PER_FLOW, (flow + 1) * LINKS_PER_FLOW)].filter((link) => link !== NO_LINK),
  );
}

/** Bytes per second of each flow, as the solver gives them. */
export function naiveRates(capacities: Float64Array, flows: Flows): readonly number[] {
  const paths = pathsOf(flows);
  const rates: (number | null)[] = paths.map(() => null);
  while (rates.includes(null)) {
    const shares = [...capacities.keys()].map((link) => shareOf(link));
    const least = Math.min(...shares);
    const tightest = shares.indexOf(least);
    for (const [flow, path] of paths.entries()) if (path.includes(tightest)) rates[flow] ??= least;
  }
  return rates.map((rate) => rate ?? 0);

  /** What is left of a link for each of its flows that have no rate yet. */
  function shareOf(link: number): number {
    let left = capacities[link] ?? 0;
    let waiting = 0;
    for (const [flow, path] of paths.entries()) {
      if (!path.includes(link)) continue;
      left -= rates[flow] ?? 0;
      if (rates[flow] === null) waiting += 1;
    }
    return waiting === 0 ? Number.POSITIVE_INFINITY : left / waiting;
  }
}
