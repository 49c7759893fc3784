// The page of benchmarks says what the results say, under the conditions they were measured in, and is current.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { resultsText } from "../../../bench/swarm/page.ts";
import { type BenchReport, layOut, systemReport, tableOf } from "../../../bench/swarm/report.ts";
import { type Measured, resultOf } from "../../../bench/swarm/result.ts";
import { keptResults, PAGE, pageWith } from "../../../scripts/generate-benchmarks.ts";

const MB = 1_000_000;

function run(lastSeconds: number, changes: Partial<Measured> = {}) {
  const measured: Measured = {
    artifactBytes: 8 * MB,
    pieceLength: MB,
    originMbit: 8,
    nodes: [
      {
        mbit: 8,
        seconds: lastSeconds,
        wasKilled: false,
        isRight: true,
        receivedBytes: 8 * MB,
        linkBytes: 9 * MB,
        peakMebibytes: 100,
      },
    ],
    originSentBytes: 8 * MB,
    originLinkBytes: 9 * MB,
    droppedPackets: 0,
    originPeakMebibytes: 120,
    cpuSeconds: 1,
    idleShare: 0.6,
    orderToGoSeconds: 0,
    reportedSeconds: null,
    stagedNodes: 1,
    members: null,
    ...changes,
  };
  return { ...resultOf(measured), fault: null };
}

function report(changes: Partial<BenchReport> = {}): BenchReport {
  return {
    format: 1,
    date: "2026-01-02T03:04:05.000Z",
    command: "npm run bench:swarm -- --nodes 1 --mbit 8 --mib 8",
    machine: { cpus: 2, cpuModel: "Some CPU", memoryGib: 8, kernel: "6.1", node: "v24.21.0" },
    commit: "0123456789ab",
    options: {
      ...{
        nodes: 1,
        mbit: 8,
        originMbit: 8,
        mib: 8,
        warmUpMib: null,
        pieceKib: null,
        runs: 3,
        slow: null,
        fault: null,
      },
      systems: ["fleet", "aria2"],
    },
    artifactBytes: 8 * MB,
    pieceLength: 65_536,
    linkCheck: { originToNode: 0.954, nodeToOrigin: 0.949 },
    systems: [
      systemReport({ name: "fleet", version: null, skipped: null, runs: [run(9), run(10), run(12)] }),
      systemReport({
        name: "aria2",
        version: null,
        skipped: "not installed: `apt-get install aria2`",
        runs: [],
      }),
    ],
    ...changes,
  };
}

describe("the table", () => {
  it("has a row per run, then their median", () => {
    const [head, ...rows] = tableOf(report());
    const ratio = head?.indexOf("÷ bound") ?? -1;
    expect(rows.map((row) => [row[0], row[ratio]])).toEqual([
      ["fleet 1", "1.125"],
      ["fleet 2", "1.250"],
      ["fleet 3", "1.500"],
      ["fleet median", "1.250"],
    ]);
    expect(rows.every((row) => row.length === head?.length)).toBe(true);
  });

  it("has no bounds where links have no rate", () => {
    const options = { ...report().options, mbit: null, originMbit: null };
    expect(tableOf(report({ options }))[0]).not.toContain("÷ bound");
  });

  it("is aligned for the eye", () => {
    expect(
      layOut([
        ["", "last s"],
        ["fleet 1", "9.00"],
      ]),
    ).toBe("         last s\nfleet 1    9.00");
  });
});

describe("the page of results", () => {
  it("says how to repeat a measurement, and under which conditions it was made", () => {
    const page = resultsText([report()]);
    expect(page).toContain(
      "### 1 node, 8 Mbit/s, 8 MiB\n\n    npm run bench:swarm -- --nodes 1 --mbit 8 --mib 8\n",
    );
    for (const condition of [
      "pieces of 64 KiB",
      "95 % of the rate",
      "2 × Some CPU",
      "2026-01-02",
      "0123456789ab",
    ])
      expect(page).toContain(condition);
    expect(page).toContain("| fleet median | 10.00 |");
    expect(page).toContain("aria2 was not measured: not installed: `apt-get install aria2`.");
    expect(page).not.toContain("what they show is its CPU");
  });

  it("warns when the machine was busy rather than the links", () => {
    const busy = [run(9, { idleShare: 0.02 })];
    const systems = [systemReport({ name: "fleet", version: null, skipped: null, runs: busy })];
    expect(resultsText([report({ systems })])).toContain("time left for fleet:** what they show is its CPU");
  });

  it("tells what was killed in each run", () => {
    const killed = [{ ...run(9), fault: "killed node-002" }];
    const systems = [systemReport({ name: "fleet", version: null, skipped: null, runs: killed })];
    const options = { ...report().options, fault: { kind: "peers", share: 0.1, at: 0.5 } as const };
    const page = resultsText([report({ systems, options })]);
    expect(page).toContain("10 % of the nodes are killed when all have 50 % of their bytes.");
    expect(page).toContain("Run 1: killed node-002.");
  });

  it("is current: run `npm run bench:docs` when this fails", async () => {
    const kept = await readFile(path.resolve(import.meta.dirname, "../../..", PAGE), "utf8");
    expect(kept).toBe(await pageWith(await keptResults()));
  });
});
