// The checks of the model of events pass where they should, and each of them notices what it is there for.
import { describe, expect, it } from "vitest";
import type { SimulationRun } from "../../../sim/core/run-bounds.ts";
import type { Scenario } from "../../../sim/core/scenario.ts";
import { simulateSwarm } from "../../../sim/core/swarm-run.ts";
import { validateNetwork, validateRuns } from "../../../sim/core/validate-runs.ts";
import { BOUNDED_FLEETS, fleetOf, NETWORK_CHECKS } from "../../../sim/core/validated-fleets.ts";
import { simulateTooFast } from "../support/impossible-network.ts";

const simulate = (run: SimulationRun) => simulateSwarm(run);
const MIB = 1024 * 1024;
/** Few pieces, for quick runs. */
const SMALL = { artifactBytes: 16 * MIB, pieces: 16 };

describe("the bounds of runs", () => {
  const fleets = BOUNDED_FLEETS.map((fleet) => fleetOf(fleet.name, { ...fleet, ...SMALL }));

  it("are kept by every kind of fleet", () => {
    const { rows, violations } = validateRuns(simulate, fleets);
    expect(violations).toEqual([]);
    expect(rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(rows).toHaveLength(2 * fleets.length);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });

  it("are beaten by a network that is twice as fast as its links, and that is told run by run", () => {
    const { rows, violations } = validateRuns(simulateTooFast, BOUNDED_FLEETS.slice(0, 1));
    expect(rows[0]).toMatchObject({ ok: false });
    expect(violations).toContainEqual(
      expect.stringMatching(
        /^nodes alike, 60 nodes, seed 1: the last node had everything after .* s, before bound B4/,
      ),
    );
  });

  it("notice bytes that nobody sent", () => {
    const lossy = (run: SimulationRun) => ({
      ...simulateSwarm(run),
      receivedBytes: run.scenario.artifactBytes,
    });
    const { rows, violations } = validateRuns(lossy, fleets.slice(0, 1));
    expect(rows[1]).toMatchObject({ ok: false, measured: 1 / 60 });
    expect(violations[0]).toMatch(/the nodes received 16777216 bytes, fewer than/);
  });

  it("notice nodes that never finish", () => {
    const stuck = (run: SimulationRun) => {
      const outcome = simulateSwarm(run);
      return { ...outcome, unfinished: 1, completedMs: outcome.completedMs.slice(1) };
    };
    const { violations } = validateRuns(stuck, fleets.slice(0, 1));
    expect(violations[0]).toMatch(/seed 1: 1 of 60 nodes that stayed never had everything$/);
  });
});

describe("the network of links", () => {
  // Fewer nodes and pieces than the command takes: coarser, and so is what may be missed.
  const { decided, limit, compared } = NETWORK_CHECKS;
  const coarse = (scenario: Scenario) => ({ ...scenario, artifactBytes: 64 * MIB, pieces: 64 });
  const checks = {
    decided: decided.slice(0, 1),
    limit: { none: coarse(limit.none), small: coarse(limit.small), nodeCount: 10 },
    compared: compared
      .slice(0, 1)
      .map(({ scenario }) => ({ scenario: coarse(scenario), nodeCount: 12, tolerance: 0.1 })),
  };
  const rows = validateNetwork(simulate, checks);

  it("agrees with what is known, with itself as delays vanish, and with exactly fair links", () => {
    expect(rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(rows).toHaveLength(3);
  });

  it("disagrees with what is known and with fair links when it is too fast", () => {
    const rows = validateNetwork(simulateTooFast, checks);
    expect([rows[0]?.ok, rows[2]?.ok]).toEqual([false, false]);
  });

  it("disagrees when delays do not vanish", () => {
    const dawdling = (run: SimulationRun) => {
      const outcome = simulate(run);
      return run.scenario.name === limit.small.name
        ? { ...outcome, completedMs: outcome.completedMs.map((at) => 1.05 * at) }
        : outcome;
    };
    expect(validateNetwork(dawdling, { ...checks, decided: [], compared: [] })[0]).toMatchObject({
      ok: false,
    });
  });
});
