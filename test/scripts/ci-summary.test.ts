// The closing line of a CI run, from reports as the test runner writes them.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = path.resolve(import.meta.dirname, "../../.ci/summary.mjs");

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "fleet-summary-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Suite {
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

async function summaryOf(testResults: readonly Suite[], success: boolean): Promise<string> {
  const states = testResults.flatMap(({ assertionResults }) => assertionResults.map(({ status }) => status));
  const count = (state: string): number => states.filter((each) => each === state).length;
  const report = path.join(folder, "report.json");
  const totals = { numPassedTests: count("passed"), numFailedTests: count("failed") };
  await writeFile(report, JSON.stringify({ ...totals, success, testResults }));
  return execFileSync(process.execPath, [script, report], { encoding: "utf8" });
}

const passed = { status: "passed" };
const failed = { status: "failed" };

test("tests that passed and failed are counted", async () => {
  const suites = [
    { status: "failed", assertionResults: [passed, failed] },
    { status: "passed", assertionResults: [passed] },
  ];
  expect(await summaryOf(suites, false)).toBe("2 passed, 1 failed\n");
});

test("a run without failures says so", async () => {
  expect(await summaryOf([{ status: "passed", assertionResults: [passed] }], true)).toBe(
    "1 passed, 0 failed\n",
  );
});

test("a file that did not load counts as a failure", async () => {
  const suites = [
    { status: "failed", assertionResults: [] },
    { status: "passed", assertionResults: [passed] },
  ];
  expect(await summaryOf(suites, false)).toBe("1 passed, 1 failed\n");
});

test("an error outside of any test counts as a failure", async () => {
  expect(await summaryOf([{ status: "passed", assertionResults: [passed] }], false)).toBe(
    "1 passed, 1 failed\n",
  );
});

test("a report that was never written counts as a failure", () => {
  const output = execFileSync(process.execPath, [script, path.join(folder, "none.json")], {
    encoding: "utf8",
  });
  expect(output).toBe("0 passed, 1 failed\n");
});
