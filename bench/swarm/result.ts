// What a benchmark found, as it stands in its JSON, and how many runs become one row. Pure.

export interface RunResult {
  /** False: somebody was not done in time; then there are no times. */
  readonly finished: boolean;
  /** Nodes of which every byte was checked and right, of how many that had to be done. */
  readonly verifiedNodes: number;
  readonly expectedNodes: number;
  /** Seconds from GO to verified, by the clock they all share; percentiles by nearest rank. */
  readonly p50Seconds: number | null;
  readonly p95Seconds: number | null;
  readonly lastSeconds: number | null;
  /** As `lastSeconds`, by the times at which the coordinator heard of it; null for stock systems. */
  readonly lastReportedSeconds: number | null;
  /** From the order, which comes before GO, to the last node. */
  readonly orderToLastSeconds: number | null;
  readonly boundSeconds: number;
  readonly lastOverBound: number | null;
  readonly pieceBoundSeconds: number | null;
  readonly lastOverPieceBound: number | null;
  /** Payload that the origin sent, as times the artifact's size; null where a system does not tell. */
  readonly originSentOverSize: number | null;
  readonly receivedOverSizeMean: number | null;
  readonly receivedOverSizeMax: number | null;
  /** The same with all headers and all other traffic of the link, as the link counted. */
  readonly originLinkOverSize: number;
  readonly linkReceivedOverSizeMean: number;
  readonly linkReceivedOverSizeMax: number;
  /** Of all processes that take part, per GiB that arrived. */
  readonly cpuSecondsPerGib: number;
  readonly peakMebibytesPeer: number;
  readonly peakMebibytesOrigin: number;
  /** Share of all cores' time that nothing ran in, from GO to the last node. */
  readonly idleShare: number;
}

/** The median of each figure for itself; null where no run has it. */
export function medianOf(runs: readonly RunResult[]): { readonly [key in keyof RunResult]: number | null } {
  const [first] = runs;
  const keys = Object.keys(first ?? {}) as (keyof RunResult)[];
  const medians = keys.map((key): [keyof RunResult, number | null] => [
    key,
    median(runs.flatMap((run) => (run[key] === null ? [] : Number(run[key])))),
  ]);
  return Object.fromEntries(medians) as { [key in keyof RunResult]: number | null };
}

/** Of an even number of values, the mean of the middle two. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}
