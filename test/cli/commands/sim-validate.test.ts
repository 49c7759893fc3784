// `fleet sim validate`: what it prints, what it exits with, and that a simulator that cannot be right is caught.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { createContext, type Outcome } from "../../../cli/command.ts";
import { type SimValidateFlags, validateSimulator } from "../../../cli/commands/sim-validate.ts";
import { paintWith } from "../../../cli/format/text.ts";
import { createOutput } from "../../../cli/output.ts";
import { TOOLS, type ValidationTools } from "../../../cli/sim/validation.ts";
import { simValidationSchema } from "../../../cli/sim/validation-schema.ts";
import type { SimulationRun } from "../../../sim/core/run-bounds.ts";
import { validateRuns } from "../../../sim/core/validate-runs.ts";
import { BOUNDED_FLEETS } from "../../../sim/core/validated-fleets.ts";
import { fakeOutcome } from "../../sim/support/fake-swarm.ts";
import { simulateTooFast } from "../../sim/support/impossible-network.ts";
import { failure } from "../../support/failure.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { benchReport } from "../support/bench-report.ts";
import { fleet, TestHost } from "../support/test-host.ts";

const GOOD = {
  name: "a: seconds",
  measured: 10,
  expected: 10.5,
  relation: "equal",
  tolerance: 0.1,
  ok: true,
} as const;
const OFF = { ...GOOD, name: "b: seconds", measured: 12, ok: false };
const NOTHING = { rows: [], violations: [], notes: [] };

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
});

function validate(flags: SimValidateFlags, tools: Partial<ValidationTools> = {}): Outcome {
  const host = new TestHost({ cwd: folder });
  const checks = { 1: () => NOTHING, 2: () => NOTHING, 3: () => NOTHING };
  // Everybody is done a little after the bound of whatever links are simulated.
  const simulate = (run: SimulationRun) => fakeOutcome(run, { first: 1.05, last: 1.06 });
  const context = createContext(host, createOutput(host, false), {});
  return validateSimulator(context, flags, { simulate, checks, ...tools });
}

function linesOf(outcome: Outcome): readonly string[] {
  return outcome.text?.(paintWith(false)) ?? [];
}

async function writeReport(name: string, content: unknown): Promise<void> {
  const results = path.join(folder, "bench/results/validate");
  await mkdir(results, { recursive: true });
  await writeFile(path.join(results, name), JSON.stringify(content));
}

describe("rows", () => {
  const checks = {
    ...TOOLS.checks,
    2: () => ({ rows: [GOOD], violations: [], notes: ["Fitted: nothing."] }),
  };

  it("are shown with what was measured, what was expected and how far off they may be", () => {
    const outcome = validate({ level: "2" }, { checks });
    expect(outcome.exitCode).toBe(0);
    expect(linesOf(outcome)).toEqual([
      "Level 2: the model in rounds agrees with theory",
      "CHECK       MEASURED  EXPECTED  TOLERANCE",
      "a: seconds        10    = 10.5        10%  ok",
      "Fitted: nothing.",
      "",
      "1 check: 0 off, 0 promises broken",
    ]);
  });

  it("are printed as JSON that keeps its schema", () => {
    const { json } = validate({ level: "2" }, { checks });
    expect(simValidationSchema.decode(json, "")).toMatchObject({
      exitCode: 0,
      levels: [{ level: 2, rows: [GOOD], notes: ["Fitted: nothing."] }],
    });
  });

  it("that are off exit with 1, except at level 1, where something impossible has happened", () => {
    const withRows = { 1: () => NOTHING, 2: () => NOTHING, 3: () => ({ ...NOTHING, rows: [GOOD, OFF] }) };
    const missed = validate({ level: "1,3" }, { checks: withRows });
    expect(missed.exitCode).toBe(1);
    expect(missed.failure).toMatchObject(
      failure("simulation-missed", /^1 row off by more than the tolerance$/),
    );
    expect(linesOf(missed)).toContainEqual(expect.stringMatching(/^b: seconds .* OFF$/));
    const beaten = validate(
      { level: "1" },
      { checks: { ...withRows, 1: () => ({ ...NOTHING, rows: [OFF] }) } },
    );
    expect(beaten.exitCode).toBe(3);
  });
});

describe("a simulator whose network is twice as fast as its links", () => {
  const checks = {
    ...TOOLS.checks,
    1: () => ({ ...validateRuns(simulateTooFast, BOUNDED_FLEETS.slice(0, 1)), notes: [] }),
  };
  const outcome = () => validate({ level: "1" }, { checks });

  it("is caught, with exit code 3", () => {
    expect(outcome()).toMatchObject({
      exitCode: 3,
      failure: failure(
        "simulation-impossible",
        /seed 2: the last node had everything after .* before bound B4/,
      ),
    });
  });

  it("is told in the rows and run by run", () => {
    const lines = linesOf(outcome());
    expect(lines).toContainEqual(expect.stringMatching(/over the greatest bound .* OFF$/));
    expect(lines.at(-1)).toMatch(/^2 checks: 1 off, [1-9]\d* promises broken$/);
  });
});

describe("level 4", () => {
  it("compares with the results of this checkout where there are some", async () => {
    // A real swarm that takes as long as its links at 92 % of their rate.
    const runs = [{ p50Seconds: 20, lastSeconds: 20.2 }];
    await writeReport("01.json", benchReport({}, runs));
    await writeReport("02.json", benchReport({ nodes: 4 }, [{ p50Seconds: 19.6, lastSeconds: 19.7 }]));
    const outcome = validate({});
    expect(linesOf(outcome)).toContainEqual(expect.stringMatching(/^CHECK +SIMULATED +REAL/));
    expect(linesOf(outcome)).toContainEqual(
      expect.stringMatching(/^Fitted: links carry \d\d\.\d % of their rate/),
    );
    expect(outcome.exitCode).toBe(0);
  });

  it("exits with 1 when real processes are much slower", async () => {
    await writeReport("01.json", benchReport());
    await writeReport("02.json", benchReport({ nodes: 4 }, [{ p50Seconds: 30, lastSeconds: 31 }]));
    expect(validate({ level: "4" }).exitCode).toBe(1);
  });

  it("is left out, with how to measure, where there are none", () => {
    expect(linesOf(validate({})).at(-3)).toMatch(
      /^level 4 left out: no results in bench\/results\/validate\. As root/,
    );
  });

  it.each<[string, SimValidateFlags, RegExp]>([
    ["without results", { level: "4" }, /^level 4 has nothing to compare with/],
    ["with a file that is not there", { real: ["none.json"] }, /^cannot read .*none\.json/],
  ])("asked for %s is refused", (_, flags, message) => {
    expect(() => validate(flags)).toThrow(expect.objectContaining(failure("file-missing", message)));
  });

  it("is refused when every run was on a busy machine", async () => {
    await writeReport("01.json", benchReport({}, [{ idleShare: 0.1 }]));
    expect(() => validate({ level: "4" })).toThrow(
      expect.objectContaining(failure("usage", /left enough of the processor idle$/)),
    );
  });
});

describe("what is asked for", () => {
  it.each<[SimValidateFlags, RegExp]>([
    [{ level: "5" }, /^--level 5: expected some of 1, 2, 3 and 4, such as 1,2$/],
    [{ level: "1,two" }, /^--level 1,two: expected/],
    [{ level: "1", real: ["a.json"] }, /^--real is for level 4, which --level leaves out$/],
  ])("%j is refused", (flags, message) => {
    expect(() => validate(flags)).toThrow(expect.objectContaining(failure("usage", message)));
  });

  it("reaches the command as it is typed", async () => {
    const { code, stdout } = await fleet(["sim", "validate", "--level", "2", "--json"]);
    expect(code).toBe(0);
    expect(simValidationSchema.decode(JSON.parse(stdout), "").levels[0]?.rows.length).toBeGreaterThan(10);
  });
});
