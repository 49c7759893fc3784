// Switching an app over in virtual time: the steps, every way they fail, the health timeout and generations.
import { describe, expect, test } from "vitest";
import { fullManifest, manifestOf } from "../releases.ts";
import {
  activateOrder,
  deactivateOrder,
  type Fault,
  HEALTH_TIMEOUT_MS,
  World,
  worldWith,
} from "./activation-world.ts";

const v1 = fullManifest("v1");
const v2 = fullManifest("v2");
const v3 = fullManifest("v3");

describe("an activation that goes well", () => {
  test("stops the old, switches, starts the new, probes it and reports healthy", () => {
    const world = worldWith(v1, [v2]);
    world.order(activateOrder(v2, 2));
    expect(world.deeds).toEqual(["stop v1", "link v2", "start v2"]);
    expect(world.announced).toEqual(["stopping", "switching", "starting", "probing"]);
    expect(world.reported).toEqual([{ generation: 2, outcome: { kind: "healthy" } }]);
    expect(world.serving).toBe("v2");
    expect(world.disk.healthy?.release?.version).toBe("v2");
    expect(world.disk.previous?.release?.version).toBe("v1");
  });

  test("runs no stop hook on a first install", () => {
    const world = new World([v1]);
    world.order(activateOrder(v1, 1));
    expect(world.deeds).toEqual(["link v1", "start v1"]);
    expect(world.outcomeOf(1)).toEqual({ kind: "healthy" });
  });

  test("is healthy once the start hook succeeded when no probe is declared", () => {
    const plain = manifestOf("v7");
    const world = worldWith(v1, [plain]);
    world.order(activateOrder(plain, 2));
    expect(world.deeds).toEqual(["stop v1", "link v7"]);
    expect(world.outcomeOf(2)).toEqual({ kind: "healthy" });
  });

  test("only probes when the ordered release is live already", () => {
    const world = worldWith(v1, []);
    world.order(activateOrder(v1, 2));
    expect(world.deeds).toEqual([]);
    expect(world.announced).toEqual(["probing"]);
    expect(world.outcomeOf(2)).toEqual({ kind: "healthy" });
  });

  test("takes an app off by stopping it and removing the link", () => {
    const world = worldWith(v1, []);
    world.order(deactivateOrder(2));
    expect(world.deeds).toEqual(["stop v1", "link nothing"]);
    expect(world.outcomeOf(2)).toEqual({ kind: "healthy" });
    expect(world.disk.healthy).toBeNull();
  });
});

describe("an activation that fails", () => {
  test("stops the new, switches back, starts the old and reports it restored when probes never pass", () => {
    const world = worldWith(v1, [v2], { v2: ["probe"] });
    world.order(activateOrder(v2, 2));
    expect(world.deeds).toEqual(["stop v1", "link v2", "start v2", "stop v2", "link v1", "start v1"]);
    expect(world.outcomeOf(2)).toEqual({
      kind: "failed",
      code: "health-timeout",
      message: "not healthy within 10 s: v2 does not answer",
      logTail: ["probe"],
      restored: "done",
    });
    expect(world.serving).toBe("v1");
    expect(world.disk.healthy?.release?.version).toBe("v1");
  });

  test("goes back when the start hook fails, and names that hook's output", () => {
    const world = worldWith(v1, [v2], { v2: ["start"] });
    world.order(activateOrder(v2, 2));
    expect(world.outcomeOf(2)).toMatchObject({ code: "hook-failed", logTail: ["start"], restored: "done" });
    expect(world.serving).toBe("v1");
  });

  test("switches nothing when the stop hook fails, but makes sure the old one runs", () => {
    const world = worldWith(v1, [v2], { v1: ["stop"] });
    world.order(activateOrder(v2, 2));
    expect(world.deeds).toEqual(["stop v1", "link v1", "start v1"]);
    expect(world.outcomeOf(2)).toMatchObject({ code: "hook-failed", restored: "done" });
  });

  test("removes the link of a first install and says that nothing is left", () => {
    const world = new World([v1], { v1: ["probe"] });
    world.order(activateOrder(v1, 1));
    expect(world.deeds).toEqual(["link v1", "start v1", "stop v1", "link nothing"]);
    expect(world.outcomeOf(1)).toMatchObject({ code: "health-timeout", restored: "none" });
    expect(world.link).toBeNull();
  });

  test("reports the restoration as failed when the old release does not come back, with both reasons", () => {
    const world = worldWith(v1, [v2], { v1: ["start"], v2: ["start"] });
    world.order(activateOrder(v2, 2));
    expect(world.outcomeOf(2)).toMatchObject({
      code: "hook-failed",
      message: "start of v2 exited with 1; then starting the previous release: start of v1 exited with 1",
      restored: "failed",
    });
    expect(world.liveVersion).toBe("v1");
  });

  test("still goes back when the failing release cannot be stopped", () => {
    const world = worldWith(v1, [v2], { v2: ["probe", "stop"] });
    world.order(activateOrder(v2, 2));
    expect(world.liveVersion).toBe("v1");
    expect(world.outcomeOf(2)).toMatchObject({ code: "health-timeout", restored: "done" });
  });

  test("goes back to the last healthy release, not to a broken one that is live", () => {
    const world = worldWith(v1, [v2, v3], { v1: ["start"], v2: ["start"], v3: ["start"] });
    world.order(activateOrder(v2, 2));
    world.order(activateOrder(v3, 3));
    expect(world.liveVersion).toBe("v1");
    expect(world.outcomeOf(3)).toMatchObject({ restored: "failed" });
  });

  test("goes back to the last healthy release also when the link was left on a broken one", () => {
    const faults = { v1: ["switch"], v2: ["probe"], v3: ["start"] } satisfies Record<string, Fault[]>;
    const world = worldWith(v1, [v2, v3], faults);
    world.order(activateOrder(v2, 2));
    expect(world.liveVersion).toBe("v2");
    world.faults.delete("v1");
    world.order(activateOrder(v3, 3));
    expect(world.liveVersion).toBe("v1");
    expect(world.outcomeOf(3)).toMatchObject({ restored: "done" });
  });

  test("refuses a release that is not installed without touching what runs", () => {
    const world = worldWith(v1, []);
    world.order(activateOrder(v2, 2));
    expect(world.deeds).toEqual([]);
    expect(world.outcomeOf(2)).toMatchObject({ code: "install-failed", restored: "done" });
  });

  test("has nothing better to go back to when the ordered release is already live and does not answer", () => {
    const world = worldWith(v1, [], { v1: ["probe"] });
    world.order(activateOrder(v1, 2));
    expect(world.deeds).toEqual([]);
    expect(world.outcomeOf(2)).toMatchObject({ code: "health-timeout", restored: "failed" });
  });

  test("removes the link all the same when a removal's stop hook fails, and says so", () => {
    const world = worldWith(v1, [], { v1: ["stop"] });
    world.order(deactivateOrder(2));
    expect(world.link).toBeNull();
    expect(world.outcomeOf(2)).toMatchObject({ code: "hook-failed", restored: "none" });
  });

  test("goes back when the link cannot be swung", () => {
    const world = worldWith(v1, [v2], { v2: ["switch"] });
    world.order(activateOrder(v2, 2));
    expect(world.serving).toBe("v1");
    expect(world.outcomeOf(2)).toMatchObject({ code: "install-failed", restored: "done" });
  });

  test("leaves a live directory it did not install in place, and says that it cannot start it", () => {
    const world = new World([v2], { v2: ["start"] });
    world.link = { directory: "old-00000000", release: null };
    world.effectsLeft = 0;
    world.settle();
    world.order(activateOrder(v2, 1));
    expect(world.liveVersion).toBe("old-00000000");
    expect(world.outcomeOf(1)).toMatchObject({ restored: "failed" });
  });
});

describe("the health timeout", () => {
  test("counts from the switch, so a slow start hook uses it up", () => {
    const world = worldWith(v1, [v2]);
    world.push({ kind: "order", order: activateOrder(v2, 2) });
    world.performUntil("run-hook");
    world.performUntil("switch-link");
    const switchedAt = world.now;
    world.performUntil("run-hook");
    expect(world.machine.deadline()).toBe(switchedAt + HEALTH_TIMEOUT_MS);
  });

  test("limits the start hook to what is left of it", () => {
    const patient = fullManifest("v5", {
      hooks: { preActivate: null, postActivate: { argv: ["./start"], timeoutMs: 3_600_000 } },
    });
    const world = new World([patient]);
    world.push({ kind: "order", order: activateOrder(patient, 1) });
    world.performUntil("switch-link");
    const [effect] = world.machine
      .handle({ kind: "start" }, world.now)
      .filter((candidate) => candidate.kind === "run-hook");
    expect(effect).toMatchObject({ timeoutMs: HEALTH_TIMEOUT_MS });
  });

  test("is what a start hook failed by that it cut off", () => {
    const world = new World([v1]);
    world.push({ kind: "order", order: activateOrder(v1, 1) });
    world.performUntil("switch-link");
    const [hook] = world.machine
      .handle({ kind: "start" }, world.now)
      .filter((effect) => effect.kind === "run-hook");
    world.now += HEALTH_TIMEOUT_MS;
    const failure = { code: "hook-timeout", message: "was still running", logTail: ["last words"] };
    world.push({ kind: "step-failed", attempt: hook?.attempt ?? 0, failure });
    expect(world.machine.journal.current?.failure).toEqual({
      code: "health-timeout",
      message: "not healthy within 10 s: was still running",
      logTail: ["last words"],
    });
  });

  test("needs the rounds to pass in a row", () => {
    const world = worldWith(v1, [v2]);
    world.push({ kind: "order", order: activateOrder(v2, 2) });
    world.performUntil("run-hook");
    world.performUntil("switch-link");
    world.performUntil("persist");
    const problems = [null, null, "flap", null, null, null];
    let effects = world.machine.handle({ kind: "start" }, world.now);
    const hook = effects.find((effect) => effect.kind === "run-hook");
    effects = world.machine.handle({ kind: "step-done", attempt: hook?.attempt ?? 0 }, world.now);
    for (const [index, problem] of problems.entries()) {
      const probe = effects.find((effect) => effect.kind === "probe");
      expect(probe, `round ${index}`).toBeDefined();
      world.machine.handle({ kind: "probed", attempt: probe?.attempt ?? 0, problem, logTail: [] }, world.now);
      const done = world.machine.journal.current?.outcome;
      expect(done?.kind, `round ${index}`).toBe(index === problems.length - 1 ? "healthy" : undefined);
      world.now = world.machine.deadline() ?? world.now;
      effects = world.machine.handle({ kind: "tick" }, world.now);
    }
  });
});

describe("generations", () => {
  test("an order older than the newest accepted one is ignored", () => {
    const world = worldWith(v1, [v2, v3]);
    world.order(activateOrder(v2, 5));
    const deeds = [...world.deeds];
    world.order(activateOrder(v3, 4));
    expect(world.stale).toEqual([4]);
    expect(world.deeds).toEqual(deeds);
    expect(world.reported.map((report) => report.generation)).toEqual([5]);
  });

  test("the same order again is answered from the journal and runs nothing", () => {
    const world = worldWith(v1, [v2], { v2: ["start"] });
    world.order(activateOrder(v2, 2));
    const deeds = [...world.deeds];
    world.order(activateOrder(v2, 2));
    expect(world.deeds).toEqual(deeds);
    expect(world.reported).toHaveLength(2);
    expect(world.reported[1]).toEqual(world.reported[0]);
  });

  test("the same order while it runs changes nothing", () => {
    const world = worldWith(v1, [v2]);
    world.push({ kind: "order", order: activateOrder(v2, 2) });
    world.performUntil("run-hook");
    world.push({ kind: "order", order: activateOrder(v2, 2) });
    world.settle();
    expect(world.deeds).toEqual(["stop v1", "link v2", "start v2"]);
    expect(world.reported).toHaveLength(1);
  });

  test("a newer order waits for the running hook, then starts from what is live", () => {
    const world = worldWith(v1, [v2, v3]);
    world.push({ kind: "order", order: activateOrder(v2, 2) });
    world.push({ kind: "order", order: activateOrder(v3, 3) });
    world.settle();
    expect(world.deeds).toEqual(["stop v1", "stop v1", "link v3", "start v3"]);
    expect(world.outcomeOf(2)).toMatchObject({ code: "order-stale" });
    expect(world.outcomeOf(3)).toEqual({ kind: "healthy" });
  });

  test("a newer order cuts probing short and never goes back to the unproven release", () => {
    const world = worldWith(v1, [v2, v3], { v2: ["probe"], v3: ["start"] });
    world.push({ kind: "order", order: activateOrder(v2, 2) });
    world.performUntil("probe");
    world.push({ kind: "order", order: activateOrder(v3, 3) });
    world.settle();
    expect(world.liveVersion).toBe("v1");
    expect(world.outcomeOf(3)).toMatchObject({ restored: "done" });
  });

  test("an order back to the release that was stopped a moment ago starts it again", () => {
    const world = worldWith(v1, [v2]);
    world.push({ kind: "order", order: activateOrder(v2, 2) });
    world.push({ kind: "order", order: activateOrder(v1, 3) });
    world.settle();
    expect(world.deeds).toEqual(["stop v1", "stop v1", "link v1", "start v1"]);
    expect(world.outcomeOf(3)).toEqual({ kind: "healthy" });
  });

  test("a newer order for a release that is not here starts again what the older one had stopped", () => {
    const world = worldWith(v1, [v2]);
    world.push({ kind: "order", order: activateOrder(v2, 2) });
    world.push({ kind: "order", order: activateOrder(v3, 3) });
    world.settle();
    expect(world.outcomeOf(3)).toMatchObject({ code: "install-failed", restored: "done" });
    expect(world.serving).toBe("v1");
  });

  test("only the newest of several waiting orders runs, and the node says that it has accepted it", () => {
    const world = worldWith(v1, [v2, v3]);
    world.push({ kind: "order", order: activateOrder(v2, 2) });
    world.push({ kind: "order", order: activateOrder(v2, 3) });
    world.push({ kind: "order", order: activateOrder(v3, 4) });
    expect(world.machine.lastOrder).toEqual({ generation: 4, outcome: null });
    world.settle();
    expect(world.serving).toBe("v3");
    expect(world.outcomeOf(3)).toBeUndefined();
  });
});
