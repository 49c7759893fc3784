// When a stage may ask for pieces: its links open first, GO begins it, and a pause holds it.
import { describe, expect, test } from "vitest";
import { LINKS_POLL_MS, LINKS_WAIT_MS } from "../../../peer/core/stage-job.ts";
import { FETCH_STALLED_AFTER_MS, StagingMachine } from "../../../peer/core/staging.ts";
import type { StagingEvent } from "../../../peer/core/staging-events.ts";
import { GO_MISSED_AFTER_MS, PROGRESS_INTERVAL_MS } from "../../../protocol/limits.ts";
import { releaseRefOf } from "../../../protocol/manifest.ts";
import { manifestOf } from "../releases.ts";
import { attemptIn, deeds, ordered, shown, stageOrder, transfer } from "./stage-orders.ts";

const v1 = manifestOf("v1");

describe("GO", () => {
  const release = releaseRefOf(v1);
  const go = { kind: "go", generation: 1, release } as const;

  function awaitingGo(generation = 1): StagingEvent {
    const order = { ...stageOrder(v1, generation), awaitsGo: true };
    return { kind: "order", order, manifest: v1, installed: false, tarball: false };
  }

  function linked(attempt: number, links: number): StagingEvent {
    return { kind: "sampled", attempt, transfer, receiveBytesPerSecond: 0, links };
  }

  /** A machine that has joined, paused, and its attempt. */
  function linking(): { staging: StagingMachine; attempt: number } {
    const staging = new StagingMachine();
    const effects = staging.handle(awaitingGo(), 0);
    expect(deeds(effects)).toMatchObject([{ kind: "fetch", paused: true }]);
    return { staging, attempt: attemptIn(effects) };
  }

  test("is waited for with open links, and begins the fetch", () => {
    const { staging, attempt } = linking();
    expect(staging.deadline()).toBe(LINKS_POLL_MS);
    expect(shown(staging.handle({ kind: "tick" }, LINKS_POLL_MS))).toEqual(["sample"]);
    expect(deeds(staging.handle(linked(attempt, 0), LINKS_POLL_MS))).toEqual([]);
    expect(deeds(staging.handle(linked(attempt, 1), 2 * LINKS_POLL_MS))).toEqual([
      { kind: "send", message: { kind: "stage-ready", generation: 1, release, links: 1 } },
    ]);
    expect(deeds(staging.handle(linked(attempt, 1), 3 * LINKS_POLL_MS))).toEqual([]);
    expect(deeds(staging.handle(go, 200))).toEqual([{ kind: "set-paused", attempt, paused: false }]);
    expect(deeds(staging.handle(go, 201))).toEqual([]);
    expect(staging.deadline()).toBe(200 + PROGRESS_INTERVAL_MS);
    expect(shown(staging.handle(linked(attempt, 1), 700))).toEqual(["send progress"]);
  });

  test("is waited for also when a neighbour cannot be reached, which is told after a second", () => {
    const { staging } = linking();
    expect(shown(staging.handle({ kind: "tick" }, LINKS_WAIT_MS - 1))).toEqual(["sample"]);
    expect(shown(staging.handle({ kind: "tick" }, LINKS_WAIT_MS))).toContain("send stage-ready");
  });

  test("that never comes is not waited for longer than a few seconds", () => {
    const { staging, attempt } = linking();
    staging.handle(linked(attempt, 1), 1);
    const early = staging.handle({ kind: "tick" }, GO_MISSED_AFTER_MS - 1);
    expect(shown(early)).not.toContain("set-paused");
    const due = staging.handle({ kind: "tick" }, GO_MISSED_AFTER_MS);
    expect(due).toContainEqual({ kind: "set-paused", attempt, paused: false });
    expect(deeds(staging.handle(go, GO_MISSED_AFTER_MS + 1))).toEqual([]);
  });

  test("that was given while this node was away comes with the order that is repeated", () => {
    const { staging, attempt } = linking();
    const effects = staging.handle(ordered(v1), 500);
    expect(effects).toContainEqual({ kind: "set-paused", attempt, paused: false });
  });

  test("is waited for again, with the same end, when a coordinator comes back that has not given it", () => {
    const { staging, attempt } = linking();
    staging.handle(linked(attempt, 1), 1);
    expect(shown(staging.handle(awaitingGo(), 500))).toEqual(["set-neighbours", "send stage-ready"]);
    expect(shown(staging.handle({ kind: "tick" }, GO_MISSED_AFTER_MS))).toContain("set-paused");
  });

  test("is not held up by a node that has begun by itself", () => {
    const { staging } = linking();
    staging.handle({ kind: "tick" }, GO_MISSED_AFTER_MS);
    const again = staging.handle(awaitingGo(), GO_MISSED_AFTER_MS + 1);
    expect(shown(again)).toEqual(["set-neighbours", "send stage-ready"]);
  });

  test("from the past, or for a release nobody ordered, changes nothing", () => {
    const staging = new StagingMachine();
    expect(deeds(staging.handle(go, 0))).toEqual([]);
    staging.handle(awaitingGo(5), 1);
    expect(deeds(staging.handle(go, 2))).toEqual([]);
  });

  test("reaches a release that still waits for its place", () => {
    const staging = new StagingMachine();
    const others = ["a", "b", "c", "d"].map((version) => manifestOf(version));
    const attempt = attemptIn(others.flatMap((manifest) => staging.handle(ordered(manifest), 0)));
    expect(deeds(staging.handle(awaitingGo(), 0))).toEqual([]);
    expect(shown(staging.handle({ kind: "tick" }, LINKS_WAIT_MS))).toContain("send stage-ready");
    expect(deeds(staging.handle(go, LINKS_WAIT_MS + 1))).toEqual([]);
    staging.handle({ kind: "verified", attempt, transfer }, 2_000);
    const next = staging.handle({ kind: "installed", attempt, transfer }, 2_001);
    expect(next).toContainEqual(expect.objectContaining({ kind: "fetch", manifest: v1, paused: false }));
  });

  test("is not waited for by a node that has the release, or every piece of it", () => {
    const staging = new StagingMachine();
    const here = { ...awaitingGo(), installed: true, tarball: true } as StagingEvent;
    expect(shown(staging.handle(here, 0))).toEqual(["serve", "send verified", "send staged"]);
    const { staging: whole, attempt } = linking();
    whole.handle({ kind: "verified", attempt, transfer }, 5);
    expect(whole.deadline()).toBeNull();
  });
});

describe("a pause", () => {
  const release = releaseRefOf(v1);
  const pause = { kind: "pause", generation: 1, release, paused: true } as const;
  const resume = { ...pause, paused: false } as const;

  test("holds a fetch, and the end of it lets it go on; twice is as good as once", () => {
    const staging = new StagingMachine();
    const attempt = attemptIn(staging.handle(ordered(v1), 0));
    expect(deeds(staging.handle(pause, 1))).toEqual([{ kind: "set-paused", attempt, paused: true }]);
    expect(deeds(staging.handle(pause, 2))).toEqual([]);
    expect(deeds(staging.handle(resume, 3))).toEqual([{ kind: "set-paused", attempt, paused: false }]);
    expect(deeds(staging.handle(resume, 4))).toEqual([]);
  });

  test("outlasts GO, and a coordinator that does not come back to end it", () => {
    const staging = new StagingMachine();
    const order = { ...stageOrder(v1, 1), awaitsGo: true, paused: true };
    const effects = staging.handle(
      { kind: "order", order, manifest: v1, installed: false, tarball: false },
      0,
    );
    const attempt = attemptIn(effects);
    expect(deeds(effects)).toMatchObject([{ kind: "fetch", paused: true }]);
    expect(deeds(staging.handle({ kind: "go", generation: 1, release }, 1))).toEqual([]);
    expect(shown(staging.handle({ kind: "tick" }, GO_MISSED_AFTER_MS))).not.toContain("set-paused");
    expect(deeds(staging.handle(resume, 20_000))).toEqual([{ kind: "set-paused", attempt, paused: false }]);
  });

  test("that was missed comes with the order that is repeated, and so does its end", () => {
    const staging = new StagingMachine();
    const attempt = attemptIn(staging.handle(ordered(v1), 0));
    const again = { ...ordered(v1), order: { ...stageOrder(v1, 1), paused: true } } as StagingEvent;
    expect(staging.handle(again, 1)).toContainEqual({ kind: "set-paused", attempt, paused: true });
    expect(staging.handle(ordered(v1), 2)).toContainEqual({ kind: "set-paused", attempt, paused: false });
  });

  test("is no stall, however long", () => {
    const staging = new StagingMachine();
    staging.handle(ordered(v1), 0);
    staging.handle(pause, 1);
    for (let now = 0; now < 3 * FETCH_STALLED_AFTER_MS; now += 3_600_000)
      expect(shown(staging.handle({ kind: "tick" }, now))).not.toContain("leave");
  });

  test("does not keep what is complete from being unpacked", () => {
    const staging = new StagingMachine();
    const attempt = attemptIn(staging.handle(ordered(v1), 0));
    staging.handle(pause, 1);
    expect(shown(staging.handle({ kind: "verified", attempt, transfer }, 2))).toContain("install");
    expect(deeds(staging.handle(resume, 3))).toEqual([]);
  });
});
