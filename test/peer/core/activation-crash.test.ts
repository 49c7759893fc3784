// Power loss between any two effects of an activation: it must end on the new release or back on the old one.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fullManifest } from "../releases.ts";
import { activateOrder, deactivateOrder, type Fault, World, worldWith } from "./activation-world.ts";

const v1 = fullManifest("v1");
const v2 = fullManifest("v2");
const v3 = fullManifest("v3");

/** Cuts the power after each effect in turn, until a run goes through without. */
function atEveryEffect(
  run: (effectsLeft: number) => World,
  check: (world: World, cut: number) => void,
): number {
  for (let cut = 1; cut < 500; cut += 1) {
    const world = run(cut);
    check(world, cut);
    if (world.effectsLeft !== null) return cut;
  }
  throw new Error("the run never ends");
}

function expectOneAnswer(world: World, generation: number, cut: number): void {
  const answers = world.reported.filter((report) => report.generation === generation);
  expect(answers.length, `cut ${cut}`).toBeGreaterThan(0);
  for (const answer of answers) expect(answer, `cut ${cut}`).toEqual(answers[0]);
}

describe("power loss at every effect", () => {
  const cases: { name: string; faults: Record<string, Fault[]>; live: string; kind: string }[] = [
    { name: "a good release ends live and healthy", faults: {}, live: "v2", kind: "healthy" },
    { name: "failing probes end on the old one", faults: { v2: ["probe"] }, live: "v1", kind: "failed" },
    {
      name: "a failing start hook ends on the old one",
      faults: { v2: ["start"] },
      live: "v1",
      kind: "failed",
    },
    { name: "a failing stop hook ends on the old one", faults: { v1: ["stop"] }, live: "v1", kind: "failed" },
    {
      name: "a link that cannot be swung ends on the old one",
      faults: { v2: ["switch"] },
      live: "v1",
      kind: "failed",
    },
  ];
  test.each(cases)("$name", ({ faults, live, kind }) => {
    const run = (cut: number) => {
      const world = worldWith(v1, [v2], faults);
      world.effectsLeft = cut;
      world.order(activateOrder(v2, 2));
      // A coordinator that has no answer repeats its order after each hello.
      if (world.outcomeOf(2) === undefined) world.order(activateOrder(v2, 2));
      return world;
    };
    const cuts = atEveryEffect(run, (world, cut) => {
      expectOneAnswer(world, 2, cut);
      expect(world.outcomeOf(2)?.kind, `cut ${cut}`).toBe(kind);
      expect(world.liveVersion, `cut ${cut}`).toBe(live);
      expect(world.serving, `cut ${cut}`).toBe(live);
    });
    expect(cuts).toBeGreaterThan(5);
  });

  test("a first install ends live, or gone without a trace", () => {
    for (const faults of [{}, { v1: ["start" as const] }]) {
      const run = (cut: number) => {
        const world = new World([v1], faults);
        world.effectsLeft = cut;
        world.order(activateOrder(v1, 1));
        if (world.outcomeOf(1) === undefined) world.order(activateOrder(v1, 1));
        return world;
      };
      atEveryEffect(run, (world, cut) => {
        expectOneAnswer(world, 1, cut);
        expect(world.serving, `cut ${cut}`).toBe(world.liveVersion ?? "");
      });
    }
  });
});

test("random orders, faults and power cuts never leave a node without a known state", () => {
  const fault = fc.constantFrom<Fault>("start", "probe", "switch");
  const faults = fc.record({ v2: fc.uniqueArray(fault), v3: fc.uniqueArray(fault) });
  const step = fc.record({
    what: fc.constantFrom("v1", "v2", "v3", "off"),
    newer: fc.integer({ min: -1, max: 2 }),
    cut: fc.option(fc.integer({ min: 1, max: 30 })),
    repeat: fc.boolean(),
  });
  fc.assert(
    fc.property(faults, fc.array(step, { minLength: 1, maxLength: 8 }), (faultsOf, steps) => {
      const world = worldWith(v1, [v2, v3], faultsOf);
      let generation = 1;
      for (const { what, newer, cut, repeat } of steps) {
        generation = Math.max(1, generation + newer);
        const manifest = [v1, v2, v3].find((one) => one.version === what);
        const order = manifest ? activateOrder(manifest, generation) : deactivateOrder(generation);
        world.effectsLeft = cut;
        world.order(order);
        if (repeat) world.order(order);
        expectKnownState(world);
      }
      const answers = new Map<number, string>();
      for (const { generation: of, outcome } of world.reported) {
        const text = JSON.stringify(outcome);
        expect(answers.get(of) ?? text).toBe(text);
        answers.set(of, text);
      }
    }),
    { numRuns: 500 },
  );
});

/** Whatever happened: at most one release runs, it is the live one, and the journal says so. */
function expectKnownState(world: World): void {
  const { current, healthy } = world.machine.journal;
  expect(current?.phase ?? null).toBeNull();
  expect(world.machine.live).toEqual(world.link);
  const outcome = current?.outcome;
  if (outcome?.kind === "healthy" || (outcome?.kind === "failed" && outcome.restored === "done")) {
    expect(world.serving).toBe(world.liveVersion ?? "");
    expect(healthy).toEqual(world.link);
  }
  if (outcome?.kind === "failed" && outcome.restored === "none") expect(world.link).toBeNull();
}
