// The gate is tested with what it is for: each way of making the swarm slower must be caught, in real simulations of a
// small fleet, and nothing must be caught where nothing was changed.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createContext, type Outcome } from "../../cli/command.ts";
import { checkScenarios } from "../../cli/commands/sim-check.ts";
import { createOutput } from "../../cli/output.ts";
import { runAll } from "../../sim/shell/run-pool.ts";
import { TestHost } from "../cli/support/test-host.ts";

const TIMEOUT_MS = 120_000;
const FLEET = `
nodes: 100
size: 64MiB
pieces: 128
origin: { up: 100Mbit }
groups: [{ up: 100Mbit }]
`;
/** Where everything is asked for, as in small fleets, across zones, and after anything went wrong. */
const asking = (policy = ""): string => `${FLEET}policy: { trees: false${policy} }\n`;
const TINY = FLEET.replace("nodes: 100", "nodes: 8").replace("pieces: 128", "pieces: 16");

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "fleet-gate-"));
  await check("fleet", FLEET, true);
  await check("asking", asking(), true);
  await check("tiny", TINY, true);
}, TIMEOUT_MS);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Simulates a scenario against the baseline that carries its name. */
async function check(name: string, source: string, update = false): Promise<Outcome> {
  const file = path.join(folder, `${name}.yaml`);
  await writeFile(file, source);
  const host = new TestHost({ cwd: folder });
  const context = createContext(host, createOutput(host, false), {});
  const flags = { baseline: `${name}.json`, update };
  return checkScenarios(context, [file], { flags, run: runAll });
}

describe("the gate catches", () => {
  it.each([
    ["an origin that repeats pieces freely", "asking", asking(", injection: false")],
    ["a graph with too few links", "asking", asking(", rings: 1")],
    ["pieces that are asked for in order", "asking", asking(", picking: in-order")],
    ["a swarm without endgame", "asking", asking(", endgame: false")],
    ["a large fleet without trees", "fleet", asking()],
    ["a coordinator that takes its time", "fleet", `${FLEET}control: { service: 20ms }\n`],
  ])(
    "%s",
    async (_, name, source) => {
      const { exitCode, failure } = await check(name, source);
      expect(failure?.message).toMatch(/\d+ figures? worse than the baseline/);
      expect(exitCode).toBe(1);
    },
    TIMEOUT_MS,
  );
});

describe("the gate lets be", () => {
  it(
    "the same fleet, run again",
    async () => {
      expect((await check("fleet", FLEET)).exitCode).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    "twenty runs of which none changed anything",
    async () => {
      const exitCodes: number[] = [];
      for (let turn = 0; turn < 20; turn += 1) exitCodes.push((await check("tiny", TINY)).exitCode);
      expect(exitCodes).toEqual(Array.from({ length: 20 }, () => 0));
    },
    TIMEOUT_MS,
  );
});
