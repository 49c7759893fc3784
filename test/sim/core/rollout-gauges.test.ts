// How many at once and how many in all: what counts twice, and what does not.
import { expect, test } from "vitest";
import { Gauge } from "../../../sim/core/rollout-gauges.ts";

test("a node that comes back counts again at once, and once in all", () => {
  const gauge = new Gauge(4);
  gauge.set(0, true);
  gauge.set(0, true);
  expect(gauge.reach).toEqual({ atOnce: 1, total: 1 });
  gauge.set(0, false);
  gauge.set(0, false);
  expect(gauge.now).toBe(0);
  gauge.set(1, true);
  gauge.set(0, true);
  expect(gauge.now).toBe(2);
  gauge.set(1, false);
  expect(gauge.reach).toEqual({ atOnce: 2, total: 2 });
});
