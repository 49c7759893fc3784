// How results are shown to people. Pure.
import type { RunResult } from "./result.ts";

/** One line: what a glance should tell. */
export function lineOf(run: RunResult): string {
  const times = (value: number | null) => (value === null ? "–" : value.toFixed(3));
  const seconds = (value: number | null) => (value === null ? "–" : `${value.toFixed(2)} s`);
  return [
    `p50 ${seconds(run.p50Seconds)}, last ${seconds(run.lastSeconds)}, bound ${seconds(run.boundSeconds)}`,
    `ratio ${times(run.lastOverBound)} (by pieces ${times(run.lastOverPieceBound)})`,
    `origin/F ${times(run.originSentOverSize)}`,
    `received/F ${times(run.receivedOverSizeMean)}, most ${times(run.receivedOverSizeMax)}`,
    `CPU ${run.cpuSecondsPerGib.toFixed(1)} s/GiB, idle ${Math.round(run.idleShare * 100)} %`,
    `peak ${Math.round(run.peakMebibytesPeer)} MiB`,
    `${run.verifiedNodes} of ${run.expectedNodes} right`,
  ].join("; ");
}
