// Real swarms against simulated ones, on made-up measurements: what is fitted, what is foretold, what is left out.
import { describe, expect, it } from "vitest";
import type { PolicyName } from "../../../sim/core/policies.ts";
import {
  caseName,
  casesOf,
  type RealConditions,
  type RealRun,
  scenarioOfRun,
} from "../../../sim/core/real-swarms.ts";
import type { SimulationRun } from "../../../sim/core/run-bounds.ts";
import { validateReal } from "../../../sim/core/validate-real.ts";
import { fakeOutcome } from "../support/fake-swarm.ts";

const MIB = 1024 * 1024;
const CONDITIONS: RealConditions = {
  nodes: 16,
  mbit: 8,
  originMbit: 8,
  slow: null,
  artifactBytes: 16 * MIB,
  pieceLength: 32 * 1024,
  policy: "shipped",
};
/** The fluid bound of these links. */
const IDEAL_SECONDS = (16 * MIB) / 1_000_000;
const FACTORS: Readonly<Record<PolicyName, number>> = {
  shipped: 1.1,
  "no-injection": 1.15,
  sequential: 1.3,
  "few-links": 1.305,
  "no-trees": 1.12,
};

function runOf(changes: Partial<RealConditions> = {}, figures: Partial<RealRun> = {}): RealRun {
  const conditions = { ...CONDITIONS, ...changes };
  const lastSeconds = IDEAL_SECONDS * FACTORS[conditions.policy];
  return {
    source: "result.json",
    conditions,
    members: null,
    p50Seconds: lastSeconds,
    lastSeconds,
    originSentOverSize: 1.05,
    idleShare: 0.5,
    ...figures,
  };
}

function policyOf({ scenario }: SimulationRun): PolicyName {
  const { injection, rings, trees, picking } = scenario.policy;
  if (rings !== null) return "few-links";
  if (!trees) return "no-trees";
  if (picking === "in-order") return "sequential";
  return injection ? "shipped" : "no-injection";
}

/** All nodes are done at once, by a factor over their bound that depends on the policy. */
function simulate(run: SimulationRun) {
  const factor = FACTORS[policyOf(run)];
  return fakeOutcome(run, { first: factor, last: factor });
}

function validate(...runs: readonly RealRun[]) {
  const findings = validateReal(runs, simulate);
  if (findings === null) throw new Error("nothing was fitted");
  return findings;
}

describe("what is fitted", () => {
  it("is the part of the links that carries payload, so that the first kind of run is met", () => {
    const { rows, notes } = validate(runOf({}, { p50Seconds: (IDEAL_SECONDS * FACTORS.shipped) / 0.9 }));
    // The simulated bound is of whole pieces, a little above the ideal.
    expect(notes[0]).toMatch(/^Fitted: links carry 90\.\d % of their rate as payload, .* \(1 run\)/);
    expect(rows[0]).toMatchObject({ name: expect.stringContaining("(fitted): p50"), ok: true });
    expect(rows[0]?.measured).toBeCloseTo(rows[0]?.expected ?? 0, 2);
  });

  it("comes from a run of the shipped policy on equal links", () => {
    const slow = { share: 0.25, factor: 0.5 };
    const { notes } = validate(runOf({ policy: "sequential" }), runOf({ slow }), runOf({ nodes: 8 }));
    expect(notes[0]).toContain("8 nodes, 8 Mbit/s, 512 × 32 KiB, shipped");
  });

  it("is nothing where there is no such run", () => {
    expect(validateReal([], simulate)).toBeNull();
    expect(
      validateReal([runOf({ policy: "sequential" }), runOf({}, { idleShare: 0.1 })], simulate),
    ).toBeNull();
  });

  it("is the median of several runs", () => {
    const runs = [20, 18, 30].map((p50Seconds) => runOf({}, { p50Seconds, lastSeconds: p50Seconds }));
    expect(validate(...runs).rows[0]).toMatchObject({ expected: 20 });
  });
});

describe("what is foretold", () => {
  it.each([
    [1.0, true, true],
    [1.09, true, true],
    [1.12, false, true],
    [1.2, false, false],
    [0.88, false, true],
  ])(
    "of runs that really take %f times as long is p50 within 10 %%: %s, last within 15 %%: %s",
    (times, p50, last) => {
      const seconds = IDEAL_SECONDS * FACTORS.shipped;
      const held = runOf({ nodes: 8 }, { p50Seconds: seconds * times, lastSeconds: seconds * times });
      const { rows } = validate(runOf(), held);
      expect(rows.slice(2, 4).map(({ ok }) => ok)).toEqual([p50, last]);
    },
  );

  it("is told with the members of each run, where they are known", () => {
    const placements: unknown[] = [];
    const runs = [1, 2].map((generation) =>
      runOf({ nodes: 4 }, { members: { generation, mbit: [8, 8, 8, 8] } }),
    );
    validateReal([runOf(), ...runs, runOf({ nodes: 4 })], (run) => {
      if (run.nodeCount === 4) placements.push(run.scenario.placement?.graphSeed);
      return simulate(run);
    });
    expect(placements).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
  });

  it("leaves out runs on a machine that was busy, and says so", () => {
    const { rows, notes } = validate(runOf(), runOf({ nodes: 4 }, { idleShare: 0.14, source: "busy.json" }));
    expect(rows).toHaveLength(2);
    expect(notes[1]).toMatch(
      /^INVALID: 4 nodes, .* in busy\.json left 14 % of the processor idle, less than 15 %/,
    );
  });
});

describe("the order of policies", () => {
  const all: readonly PolicyName[] = ["shipped", "no-injection", "sequential", "few-links"];

  it("is the same when real runs have it, pairs that are too near left out", () => {
    const { rows, notes } = validate(...all.map((policy) => runOf({ policy })));
    // Of six pairs, the last two policies are less than 1 % apart.
    expect(rows.at(-1)).toMatchObject({
      name: "16 nodes, 8 Mbit/s, 512 × 32 KiB: last, of 5 pairs of policies, in the other order",
      measured: 0,
      ok: true,
    });
    expect(notes.at(-1)).toMatch(/simulated shipped .* < no-injection .*; real shipped .* < no-injection /);
  });

  it("is off by every pair that is the other way round", () => {
    const slowest = { p50Seconds: 40, lastSeconds: 40 };
    const { rows } = validate(
      ...all.map((policy) => runOf({ policy }, policy === "no-injection" ? slowest : {})),
    );
    expect(rows.at(-1)).toMatchObject({ measured: 2, ok: false });
  });

  it("is not asked of a pair that takes as long in reality", () => {
    const alike = runOf({ policy: "shipped" }).lastSeconds * 0.995;
    const { rows } = validate(
      ...all.map((policy) => runOf({ policy }, policy === "no-injection" ? { lastSeconds: alike } : {})),
    );
    expect(rows.at(-1)).toMatchObject({
      name: "16 nodes, 8 Mbit/s, 512 × 32 KiB: last, of 4 pairs of policies, in the other order",
      measured: 0,
    });
  });

  it("is asked of when half of the nodes are done as well", () => {
    const slowest = { p50Seconds: 40 };
    const { rows } = validate(
      ...all.map((policy) => runOf({ policy }, policy === "no-injection" ? slowest : {})),
    );
    expect(rows.slice(-2)).toMatchObject([
      {
        name: "16 nodes, 8 Mbit/s, 512 × 32 KiB: p50, of 5 pairs of policies, in the other order",
        measured: 2,
      },
      { measured: 0, ok: true },
    ]);
  });

  it("is asked for only where several were measured", () => {
    const { rows } = validate(runOf(), runOf({ nodes: 8, policy: "sequential" }));
    expect(rows.filter(({ name }) => name.includes("pairs"))).toEqual([]);
  });
});

describe("a real swarm as a scenario", () => {
  it("has the rates, pieces and blocks of the real one", () => {
    expect(scenarioOfRun(runOf(), 0.9)).toMatchObject({
      artifactBytes: 16 * MIB,
      pieces: 512,
      blocksPerPiece: 2,
      origin: { upBytesPerSecond: 900_000 },
      groups: [{ share: 1, upBytesPerSecond: 900_000, downBytesPerSecond: 900_000 }],
    });
  });

  it("has as many slow nodes as the real one, and one at least", () => {
    const sharesOf = (nodes: number) =>
      scenarioOfRun(runOf({ nodes, slow: { share: 0.1, factor: 0.5 } }), 1).groups.map(({ share }) => share);
    expect(sharesOf(20)).toEqual([0.9, 0.1]);
    expect(sharesOf(4)).toEqual([0.75, 0.25]);
  });

  it("has who was there where they stood, when that was recorded", () => {
    const members = { generation: 2, mbit: [8, 4, 8, 8] };
    const slow = { share: 0.25, factor: 0.5 };
    expect(scenarioOfRun(runOf({ nodes: 4, slow }, { members }), 1)).toMatchObject({
      placement: { graphSeed: 2, groups: [0, 1, 0, 0] },
    });
    const onlySlow = scenarioOfRun(runOf({ nodes: 1, slow }, { members: { generation: 1, mbit: [4] } }), 1);
    expect(onlySlow).toMatchObject({ groups: [{ name: "slow" }], placement: { groups: [0] } });
  });

  it("is of one kind with runs under equal conditions alone", () => {
    const runs = [runOf(), runOf({ nodes: 8 }), runOf(), runOf({ policy: "sequential" })];
    expect(casesOf(runs).map(({ runs: same }) => same.length)).toEqual([2, 1, 1]);
    const names = [
      {},
      { mbit: 4 },
      { originMbit: 80 },
      { slow: { share: 0.5, factor: 0.5 } },
      { pieceLength: 65536 },
    ];
    expect(new Set(names.map((changes) => caseName({ ...CONDITIONS, ...changes }))).size).toBe(names.length);
  });
});
