// Counting probe rounds towards healthy.
import { expect, test } from "vitest";
import { HealthGate } from "../../../peer/core/health-gate.ts";
import { manifestOf } from "../releases.ts";

function gateWith(startPeriodMs: number): HealthGate {
  return new HealthGate({ ...manifestOf("v1").health, intervalMs: 100, successes: 2, startPeriodMs }, 0);
}

function round(gate: HealthGate, problem: string | null, at: number): void {
  gate.beginRound(at);
  gate.endRound(problem, at);
}

test("a failed round starts the count again, and its problem is kept", () => {
  const gate = gateWith(0);
  round(gate, null, 0);
  round(gate, "refused", 100);
  round(gate, null, 200);
  expect(gate.healthy).toBe(false);
  expect(gate.problem).toBe("refused");
  round(gate, null, 300);
  expect(gate.healthy).toBe(true);
});

test("a failure within the start period does not, one after it does", () => {
  const gate = gateWith(250);
  round(gate, null, 0);
  round(gate, "not up yet", 100);
  round(gate, null, 200);
  expect(gate.healthy).toBe(true);
  const late = gateWith(250);
  round(late, null, 200);
  round(late, "gone", 250);
  round(late, null, 350);
  expect(late.healthy).toBe(false);
});

test("rounds begin an interval apart, and a slow one is followed at once, never by two", () => {
  const gate = gateWith(0);
  gate.beginRound(0);
  expect(gate.nextRoundAt).toBeNull();
  gate.endRound("slow", 30);
  expect(gate.nextRoundAt).toBe(100);
  gate.beginRound(100);
  gate.endRound("slower", 450);
  expect(gate.nextRoundAt).toBe(450);
});
