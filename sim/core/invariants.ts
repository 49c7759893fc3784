// What no run may do, whatever the policy: beat a bound, make bytes out of nothing, leave a node behind.
// A run that does shows a fault in the simulator, or in the machines it runs; it is never just slow.
import { type Bounds, beatsBound } from "./bounds.ts";
import type { SwarmOutcome } from "./outcome.ts";

/** Bytes are counted whole: a sum may be off by one for each number that was rounded into it. */
const BYTES_ROUNDED = 1;

/** One sentence per broken rule, without the run's name; empty when all is well. */
export function findViolations(
  outcome: SwarmOutcome,
  bounds: Bounds,
  artifactBytes: number,
): readonly string[] {
  return [
    ...unfinishedNodes(outcome),
    ...beatenBounds(outcome, bounds),
    ...missingBytes(outcome, bounds, artifactBytes),
    ...wrongAvailability(outcome),
  ];
}

function unfinishedNodes({ completedMs, unfinished, nodes }: SwarmOutcome): readonly string[] {
  const broken: string[] = [];
  if (unfinished > 0) broken.push(`${unfinished} of ${nodes} nodes that stayed never had everything`);
  if (completedMs.length === 0) broken.push("no node had everything");
  if (completedMs.length > nodes) broken.push(`${completedMs.length} nodes finished, of ${nodes}`);
  return broken;
}

function beatenBounds({ completedMs }: SwarmOutcome, bounds: Bounds): readonly string[] {
  const last = completedMs.at(-1);
  if (last === undefined) return [];
  const broken: string[] = [];
  if (beatsBound(last / 1000, bounds.hardSeconds))
    broken.push(
      `the last node had everything after ${last / 1000} s, before bound ${bounds.binding} of ${bounds.hardSeconds} s`,
    );
  // Whoever finished, the k-th of them cannot be faster than the k-th fastest downlink allows.
  const own = bounds.ownSeconds.toSorted();
  const early = completedMs.findIndex((at, index) => beatsBound(at / 1000, own[index] ?? 0));
  if (early !== -1)
    broken.push(
      `node ${early + 1} to finish had everything after ${(completedMs[early] ?? 0) / 1000} s, ` +
        `though its downlink needs ${own[early]} s`,
    );
  if (completedMs.some((at, index) => at < (completedMs[index - 1] ?? 0)))
    broken.push("times of completion do not ascend");
  return broken;
}

function missingBytes(
  outcome: SwarmOutcome,
  { baselines }: Bounds,
  artifactBytes: number,
): readonly string[] {
  const { completedMs, originBytes, receivedBytes, crossZoneBytes } = outcome;
  if (completedMs.length === 0) return [];
  const sums = [
    ["the origin sent", originBytes, artifactBytes],
    ["the nodes received", receivedBytes, artifactBytes * completedMs.length],
    ["between zones went", crossZoneBytes, baselines.idealCrossZoneBytes],
  ] as const;
  return sums
    .filter(([, bytes, least]) => bytes + BYTES_ROUNDED < least)
    .map(([what, bytes, least]) => `${what} ${bytes} bytes, fewer than the ${least} that were needed`);
}

function wrongAvailability({ availability, nodes }: SwarmOutcome): readonly string[] {
  const isWrong = availability.some(
    ({ copiesMin, copiesMedian, copiesMax, doneShare }) =>
      copiesMin < 0 ||
      copiesMin > copiesMedian ||
      copiesMedian > copiesMax ||
      copiesMax > nodes ||
      doneShare > 1,
  );
  return isWrong ? ["a piece had more holders than there are nodes, or its counts are out of order"] : [];
}
