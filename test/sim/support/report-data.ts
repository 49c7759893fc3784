// Made-up results, such as a homogeneous fleet would have, for what is drawn and written from results.
import type { AvailabilitySample } from "../../../sim/core/outcome.ts";
import type { ReportData, SizeResult } from "../../../sim/core/report-data.ts";

export function sizeResult(nodes: number, differing: Partial<SizeResult> = {}): SizeResult {
  const boundSeconds = 8.6 + Math.log2(nodes) / 20;
  const lastSeconds = boundSeconds * 1.04;
  return {
    nodes,
    lastSeconds,
    p50Seconds: boundSeconds,
    p99Seconds: boundSeconds * 1.03,
    boundSeconds,
    boundId: "B4",
    clientServerSeconds: nodes * 8.6,
    treeSeconds: Math.ceil(Math.log2(nodes + 1)) * 8.6,
    chainSeconds: 8.6 + nodes / 60,
    lastOverBound: 1.04,
    originBytesOverSize: 1.02,
    completionSeconds: Array.from({ length: 101 }, (_, percent) => lastSeconds * (0.9 + percent / 1000)),
    availability: risingCopies(nodes, lastSeconds * 1000),
    ...differing,
  };
}

export function reportData(differing: Partial<ReportData> = {}): ReportData {
  return {
    title: "two-sites",
    artifactBytes: 1024 ** 3,
    facts: [
      { label: "artifact", value: "1GiB in 512 pieces" },
      { label: "origin", value: "1 Gbit/s" },
    ],
    sizes: [10, 100, 1000, 10_000].map((nodes) => sizeResult(nodes)),
    seeds: [1, 2, 3],
    version: "1.2.3",
    command: "fleet sim run --nodes 10,100,1000,10000",
    expectations: [],
    violations: [],
    ...differing,
  };
}

function risingCopies(nodes: number, untilMs: number): readonly AvailabilitySample[] {
  const copies = (progress: number): number => Math.round(nodes * Math.min(1, Math.max(0, progress)));
  return Array.from({ length: 65 }, (_, step) => ({
    atMs: (untilMs * step) / 64,
    copiesMin: copies((step - 56) / 8),
    copiesMedian: copies((step - 28) / 8),
    copiesMax: copies(step / 8),
    doneShare: step / 64,
  }));
}
