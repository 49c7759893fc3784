// Reports as the benchmark of real swarms writes them, with the parts that a test is about.

interface ReportedRun {
  readonly succeeded?: boolean;
  readonly p50Seconds?: number;
  readonly lastSeconds?: number;
  readonly idleShare?: number;
  readonly members?: { readonly generation: number; readonly mbit: readonly number[] };
}

/** 16 nodes at 8 Mbit/s, 16 MiB in pieces of 32 KiB; one run. */
export function benchReport(
  options: Readonly<Record<string, unknown>> = {},
  runs: readonly ReportedRun[] = [{}],
): Readonly<Record<string, unknown>> {
  return {
    format: 1,
    date: "2026-11-21T12:00:00.000Z",
    options: {
      nodes: 16,
      mbit: 8,
      originMbit: 8,
      mib: 16,
      slow: null,
      fault: null,
      policy: "shipped",
      ...options,
    },
    artifactBytes: 16 * 1024 * 1024,
    pieceLength: 32_768,
    systems: [
      { name: "http", runs: [{ succeeded: true, figures: figuresOf({ p50Seconds: 300 }) }] },
      {
        name: "fleet",
        runs: runs.map(({ succeeded = true, members, ...run }) => ({
          succeeded,
          members,
          figures: figuresOf(run),
          fault: null,
        })),
      },
    ],
  };
}

function figuresOf({ p50Seconds = 19, lastSeconds = 19.3, idleShare = 0.5 }: ReportedRun): object {
  return { p50Seconds, lastSeconds, originSentOverSize: 1.05, idleShare, p95Seconds: lastSeconds };
}
