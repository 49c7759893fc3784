// What is fetched, installed and served, how much at once, and what the coordinator hears of it.
import { describe, expect, test } from "vitest";
import { LINKS_POLL_MS, LINKS_WAIT_MS } from "../../../peer/core/stage-job.ts";
import {
  FETCH_STALLED_AFTER_MS,
  SERVED_MAX,
  STAGES_RUNNING_MAX,
  STAGES_WAITING_MAX,
  StagingMachine,
} from "../../../peer/core/staging.ts";
import type { StagingEffect, StagingEvent } from "../../../peer/core/staging-events.ts";
import { GO_MISSED_AFTER_MS, PROGRESS_INTERVAL_MS } from "../../../protocol/limits.ts";
import { type Manifest, releaseRefOf } from "../../../protocol/manifest.ts";
import type { StageOrder } from "../../../protocol/messages.ts";
import { manifestOf } from "../releases.ts";

const neighbour = { id: "origin", host: "10.0.0.1", port: 7_000, dial: true };

function stageOrder(manifest: Manifest, generation: number): StageOrder {
  return {
    kind: "stage",
    generation,
    release: releaseRefOf(manifest),
    signed: { manifest: "{}", signatures: [] },
    torrentInfo: new Uint8Array([1]),
    neighbours: [neighbour],
    rank: 0,
    rankCount: 1,
    awaitsGo: false,
    paused: false,
  };
}

function ordered(
  manifest: Manifest,
  generation = 1,
  here: { installed?: boolean; tarball?: boolean } = {},
): StagingEvent {
  const { installed = false, tarball = false } = here;
  return { kind: "order", order: stageOrder(manifest, generation), manifest, installed, tarball };
}

const transfer = { verifiedBytes: 1_000, receivedBytes: 1_100, uploadedBytes: 300 };

function shown(effects: readonly StagingEffect[]): string[] {
  return effects.map((effect) => (effect.kind === "send" ? `send ${effect.message.kind}` : effect.kind));
}

function attemptIn(effects: readonly StagingEffect[]): number {
  for (const effect of effects) if ("attempt" in effect) return effect.attempt;
  throw new Error("no attempt was made");
}

/** A machine that serves `manifest`, and its attempt. */
function serving(manifest: Manifest): { staging: StagingMachine; attempt: number } {
  const staging = new StagingMachine();
  const attempt = attemptIn(staging.handle(ordered(manifest), 0));
  staging.handle({ kind: "verified", attempt, transfer }, 10);
  staging.handle({ kind: "installed", attempt, transfer }, 20);
  return { staging, attempt };
}

const v1 = manifestOf("v1");

describe("one stage", () => {
  test("fetches, reports verified, installs, reports staged and keeps serving until told to stop", () => {
    const staging = new StagingMachine();
    const started = staging.handle(ordered(v1), 0);
    expect(shown(started)).toEqual(["fetch"]);
    const attempt = attemptIn(started);
    expect(shown(staging.handle({ kind: "verified", attempt, transfer }, 1))).toEqual([
      "send verified",
      "install",
    ]);
    expect(shown(staging.handle({ kind: "installed", attempt, transfer }, 2))).toEqual(["send staged"]);
    expect(staging.artifacts).toContain(v1.artifact.sha256);
    const release = releaseRefOf(v1);
    expect(staging.handle({ kind: "stop-serving", generation: 1, release }, 3)).toEqual([
      { kind: "leave", attempt, release, discard: true },
    ]);
    expect(staging.artifacts.size).toBe(0);
  });

  test("reports progress at the interval while it fetches, and at no other time", () => {
    const staging = new StagingMachine();
    const attempt = attemptIn(staging.handle(ordered(v1), 0));
    expect(staging.deadline()).toBe(PROGRESS_INTERVAL_MS);
    expect(shown(staging.handle({ kind: "tick" }, PROGRESS_INTERVAL_MS - 1))).toEqual([]);
    expect(shown(staging.handle({ kind: "tick" }, PROGRESS_INTERVAL_MS))).toEqual(["sample"]);
    const sampled = { kind: "sampled", attempt, transfer, receiveBytesPerSecond: 7, links: 1 } as const;
    expect(shown(staging.handle(sampled, PROGRESS_INTERVAL_MS))).toEqual(["send progress"]);
    staging.handle({ kind: "verified", attempt, transfer }, 600);
    expect(staging.deadline()).toBeNull();
  });

  test("gives a fetch up that gets no new piece for a day", () => {
    const staging = new StagingMachine();
    const attempt = attemptIn(staging.handle(ordered(v1), 0));
    const effects = staging.handle({ kind: "tick" }, FETCH_STALLED_AFTER_MS);
    expect(shown(effects)).toEqual(["leave", "send stage-failed"]);
    expect(attemptIn(effects)).toBe(attempt);
  });

  test("is answered at once when the release is installed and the tarball gone", () => {
    const staging = new StagingMachine();
    const effects = staging.handle(ordered(v1, 4, { installed: true }), 0);
    expect(shown(effects)).toEqual(["send verified", "send staged"]);
    expect(staging.artifacts.size).toBe(0);
  });

  test("is answered at once and serves again when the release is installed and the tarball still here", () => {
    const staging = new StagingMachine();
    const effects = staging.handle(ordered(v1, 4, { installed: true, tarball: true }), 0);
    expect(shown(effects)).toEqual(["serve", "send verified", "send staged"]);
  });

  test("keeps a tarball for the next attempt after a failure, unless it is spoiled", () => {
    for (const spoiled of [false, true]) {
      const staging = new StagingMachine();
      const attempt = attemptIn(staging.handle(ordered(v1), 0));
      const failed = { kind: "failed", attempt, code: "disk-full", message: "full", spoiled } as const;
      const effects = staging.handle(failed, 1);
      expect(shown(effects)).toEqual(["leave", "send stage-failed"]);
      expect(effects[0]).toMatchObject({ discard: spoiled });
    }
  });

  test("finishes an install that runs when serving is to stop, then leaves", () => {
    const staging = new StagingMachine();
    const attempt = attemptIn(staging.handle(ordered(v1), 0));
    staging.handle({ kind: "verified", attempt, transfer }, 1);
    const stop = { kind: "stop-serving", generation: 1, release: releaseRefOf(v1) } as const;
    expect(staging.handle(stop, 2)).toEqual([]);
    expect(shown(staging.handle({ kind: "installed", attempt, transfer }, 3))).toEqual([
      "send staged",
      "leave",
    ]);
  });

  test("deletes what is left of a tarball from an earlier life when told to stop serving it", () => {
    const staging = new StagingMachine();
    const stop = { kind: "stop-serving", generation: 1, release: releaseRefOf(v1) } as const;
    expect(shown(staging.handle(stop, 0))).toEqual(["discard"]);
  });

  test("losing the swarm after the install is no failure of the stage", () => {
    const { staging, attempt } = serving(v1);
    const failed = { kind: "failed", attempt, code: "disk-full", message: "full", spoiled: false } as const;
    expect(shown(staging.handle(failed, 30))).toEqual(["leave"]);
  });
});

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
    expect(effects).toMatchObject([{ kind: "fetch", paused: true }]);
    return { staging, attempt: attemptIn(effects) };
  }

  test("is waited for with open links, and begins the fetch", () => {
    const { staging, attempt } = linking();
    expect(staging.deadline()).toBe(LINKS_POLL_MS);
    expect(shown(staging.handle({ kind: "tick" }, LINKS_POLL_MS))).toEqual(["sample"]);
    expect(staging.handle(linked(attempt, 0), LINKS_POLL_MS)).toEqual([]);
    expect(staging.handle(linked(attempt, 1), 2 * LINKS_POLL_MS)).toEqual([
      { kind: "send", message: { kind: "stage-ready", generation: 1, release, links: 1 } },
    ]);
    expect(staging.handle(linked(attempt, 1), 3 * LINKS_POLL_MS)).toEqual([]);
    expect(staging.handle(go, 200)).toEqual([{ kind: "set-paused", attempt, paused: false }]);
    expect(staging.handle(go, 201)).toEqual([]);
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
    expect(staging.handle(go, GO_MISSED_AFTER_MS + 1)).toEqual([]);
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
    expect(staging.handle(go, 0)).toEqual([]);
    staging.handle(awaitingGo(5), 1);
    expect(staging.handle(go, 2)).toEqual([]);
  });

  test("reaches a release that still waits for its place", () => {
    const staging = new StagingMachine();
    const others = ["a", "b", "c", "d"].map((version) => manifestOf(version));
    const attempt = attemptIn(others.flatMap((manifest) => staging.handle(ordered(manifest), 0)));
    expect(staging.handle(awaitingGo(), 0)).toEqual([]);
    expect(shown(staging.handle({ kind: "tick" }, LINKS_WAIT_MS))).toContain("send stage-ready");
    expect(staging.handle(go, LINKS_WAIT_MS + 1)).toEqual([]);
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
    expect(staging.handle(pause, 1)).toEqual([{ kind: "set-paused", attempt, paused: true }]);
    expect(staging.handle(pause, 2)).toEqual([]);
    expect(staging.handle(resume, 3)).toEqual([{ kind: "set-paused", attempt, paused: false }]);
    expect(staging.handle(resume, 4)).toEqual([]);
  });

  test("outlasts GO, and a coordinator that does not come back to end it", () => {
    const staging = new StagingMachine();
    const order = { ...stageOrder(v1, 1), awaitsGo: true, paused: true };
    const effects = staging.handle(
      { kind: "order", order, manifest: v1, installed: false, tarball: false },
      0,
    );
    const attempt = attemptIn(effects);
    expect(effects).toMatchObject([{ kind: "fetch", paused: true }]);
    expect(staging.handle({ kind: "go", generation: 1, release }, 1)).toEqual([]);
    expect(shown(staging.handle({ kind: "tick" }, GO_MISSED_AFTER_MS))).not.toContain("set-paused");
    expect(staging.handle(resume, 20_000)).toEqual([{ kind: "set-paused", attempt, paused: false }]);
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
    expect(staging.handle(resume, 3)).toEqual([]);
  });
});

describe("orders that come again", () => {
  test("the same order while it runs only renews the neighbours", () => {
    const staging = new StagingMachine();
    staging.handle(ordered(v1), 0);
    expect(shown(staging.handle(ordered(v1), 1))).toEqual(["set-neighbours"]);
  });

  test("an order from the past and its neighbours are ignored", () => {
    const staging = new StagingMachine();
    staging.handle(ordered(v1, 5), 0);
    expect(staging.handle(ordered(v1, 4), 1)).toEqual([]);
    const release = releaseRefOf(v1);
    expect(staging.handle({ kind: "neighbours", generation: 4, release, neighbours: [] }, 1)).toEqual([]);
    expect(staging.handle({ kind: "stop-serving", generation: 4, release }, 1)).toEqual([]);
    expect(staging.artifacts.size).toBe(1);
  });

  test("a failed order sent again gets the same answer, a newer one a new attempt", () => {
    const staging = new StagingMachine();
    const attempt = attemptIn(staging.handle(ordered(v1, 3), 0));
    staging.handle({ kind: "failed", attempt, code: "disk-full", message: "full", spoiled: false }, 1);
    expect(shown(staging.handle(ordered(v1, 3), 2))).toEqual(["send stage-failed"]);
    expect(shown(staging.handle(ordered(v1, 4), 3))).toEqual(["fetch"]);
  });

  test("results are told again after every welcome", () => {
    const { staging } = serving(v1);
    const v2 = manifestOf("v2");
    const attempt = attemptIn(staging.handle(ordered(v2), 30));
    staging.handle({ kind: "failed", attempt, code: "archive-unsafe", message: "../x", spoiled: false }, 31);
    expect(shown(staging.handle({ kind: "online" }, 40))).toEqual([
      "send verified",
      "send staged",
      "send stage-failed",
    ]);
  });

  test("a late answer to an attempt that was left changes nothing", () => {
    const staging = new StagingMachine();
    const attempt = attemptIn(staging.handle(ordered(v1), 0));
    staging.handle({ kind: "stop-serving", generation: 1, release: releaseRefOf(v1) }, 1);
    expect(staging.handle({ kind: "verified", attempt, transfer }, 2)).toEqual([]);
  });
});

describe("many stages", () => {
  const many = Array.from({ length: 200 }, (_, index) => manifestOf(`m${index + 1}`));

  test("no more than a few run at once, and each that ends lets the next begin", () => {
    const staging = new StagingMachine();
    const started = many.slice(0, 10).flatMap((manifest) => staging.handle(ordered(manifest), 0));
    expect(shown(started)).toEqual(Array.from({ length: STAGES_RUNNING_MAX }, () => "fetch"));
    const attempt = attemptIn(started);
    staging.handle({ kind: "verified", attempt, transfer }, 1);
    const next = staging.handle({ kind: "installed", attempt, transfer }, 2);
    expect(shown(next)).toEqual(["send staged", "fetch"]);
  });

  test("a coordinator that orders without end is refused", () => {
    const staging = new StagingMachine();
    const answers = many.flatMap((manifest) => staging.handle(ordered(manifest), 0));
    const refused = answers.filter((effect) => effect.kind === "send");
    expect(refused).toHaveLength(many.length - STAGES_WAITING_MAX - SERVED_MAX);
    expect(refused[0]?.message).toMatchObject({ kind: "stage-failed", code: "overloaded" });
  });

  test("the oldest served tarball goes when there are too many", () => {
    const staging = new StagingMachine();
    const effects = many
      .slice(0, SERVED_MAX + 1)
      .flatMap((manifest) => staging.handle(ordered(manifest, 1, { installed: true, tarball: true }), 0));
    const left = effects.filter((effect) => effect.kind === "leave");
    expect(left.map((effect) => effect.release.version)).toEqual(["m1"]);
  });

  const twin = { ...v1, app: manifestOf("v1", { app: "twin" }).app };

  test("the same artifact under another name is staged too, and its tarball kept until the last is done", () => {
    const { staging, attempt } = serving(v1);
    const twinAttempt = attemptIn(staging.handle(ordered(twin), 30));
    expect(twinAttempt).not.toBe(attempt);
    const stop = { kind: "stop-serving", generation: 1 } as const;
    expect(staging.handle({ ...stop, release: releaseRefOf(v1) }, 31)).toMatchObject([
      { kind: "leave", attempt, discard: false },
    ]);
    expect(staging.handle({ ...stop, release: releaseRefOf(twin) }, 32)).toMatchObject([
      { kind: "leave", attempt: twinAttempt, discard: true },
    ]);
  });

  test("the same artifact cut into other pieces waits its turn with a clear refusal", () => {
    const { staging } = serving(v1);
    const artifact = { ...v1.artifact, infoHash: "e".repeat(40) };
    const other = { ...twin, artifact } as Manifest;
    const [effect] = staging.handle(ordered(other), 30);
    expect(effect).toMatchObject({ message: { kind: "stage-failed", code: "overloaded" } });
    expect(JSON.stringify(effect)).toContain("web v1");
  });

  test("pins what it works on against clean-up", () => {
    const { staging } = serving(v1);
    expect([...staging.pinned("web")]).toEqual([`v1-${v1.artifact.sha256.slice(0, 8)}`]);
    expect(staging.pinned("other").size).toBe(0);
  });
});
