// What is fetched, installed and served, how much at once, and what the coordinator hears of it.
import { describe, expect, test } from "vitest";
import {
  FETCH_STALLED_AFTER_MS,
  SERVED_MAX,
  STAGES_RUNNING_MAX,
  STAGES_WAITING_MAX,
  StagingMachine,
} from "../../../peer/core/staging.ts";
import { PROGRESS_INTERVAL_MS } from "../../../protocol/limits.ts";
import { type Manifest, releaseRefOf } from "../../../protocol/manifest.ts";
import { manifestOf } from "../releases.ts";
import { attemptIn, deeds, notes, ordered, shown, stageOrder, transfer } from "./stage-orders.ts";

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
    expect(deeds(staging.handle({ kind: "stop-serving", generation: 1, release }, 3))).toEqual([
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
      expect(deeds(effects)[0]).toMatchObject({ discard: spoiled });
    }
  });

  test("finishes an install that runs when serving is to stop, then leaves", () => {
    const staging = new StagingMachine();
    const attempt = attemptIn(staging.handle(ordered(v1), 0));
    staging.handle({ kind: "verified", attempt, transfer }, 1);
    const stop = { kind: "stop-serving", generation: 1, release: releaseRefOf(v1) } as const;
    expect(deeds(staging.handle(stop, 2))).toEqual([]);
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

describe("orders that come again", () => {
  test("the same order while it runs only renews the neighbours", () => {
    const staging = new StagingMachine();
    staging.handle(ordered(v1), 0);
    expect(shown(staging.handle(ordered(v1), 1))).toEqual(["set-neighbours"]);
  });

  test("an order from the past and its neighbours are ignored", () => {
    const staging = new StagingMachine();
    staging.handle(ordered(v1, 5), 0);
    expect(deeds(staging.handle(ordered(v1, 4), 1))).toEqual([]);
    const release = releaseRefOf(v1);
    expect(deeds(staging.handle({ kind: "neighbours", generation: 4, release, neighbours: [] }, 1))).toEqual(
      [],
    );
    expect(deeds(staging.handle({ kind: "stop-serving", generation: 4, release }, 1))).toEqual([]);
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
    expect(deeds(staging.handle({ kind: "verified", attempt, transfer }, 2))).toEqual([]);
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
    expect(deeds(staging.handle({ ...stop, release: releaseRefOf(v1) }, 31))).toMatchObject([
      { kind: "leave", attempt, discard: false },
    ]);
    expect(deeds(staging.handle({ ...stop, release: releaseRefOf(twin) }, 32))).toMatchObject([
      { kind: "leave", attempt: twinAttempt, discard: true },
    ]);
  });

  test("the same artifact cut into other pieces waits its turn with a clear refusal", () => {
    const { staging } = serving(v1);
    const artifact = { ...v1.artifact, infoHash: "e".repeat(40) };
    const other = { ...twin, artifact } as Manifest;
    const [effect] = deeds(staging.handle(ordered(other), 30));
    expect(effect).toMatchObject({ message: { kind: "stage-failed", code: "overloaded" } });
    expect(JSON.stringify(effect)).toContain("web v1");
  });

  test("pins what it works on against clean-up", () => {
    const { staging } = serving(v1);
    expect([...staging.pinned("web")]).toEqual([`v1-${v1.artifact.sha256.slice(0, 8)}`]);
    expect(staging.pinned("other").size).toBe(0);
  });
});

describe("what is noted for the next start", () => {
  const release = releaseRefOf(v1);

  test("an order that is taken on, until it is over", () => {
    const staging = new StagingMachine();
    expect(notes(staging.handle(ordered(v1), 0))).toEqual([{ kind: "note", order: stageOrder(v1, 1) }]);
    const stop = { kind: "stop-serving", generation: 1, release } as const;
    expect(notes(staging.handle(stop, 1))).toEqual([{ kind: "strike-note", release }]);
  });

  test("that GO has come", () => {
    const staging = new StagingMachine();
    const awaiting = ordered(v1);
    if (awaiting.kind !== "order") throw new Error("ordered gives an order");
    staging.handle({ ...awaiting, order: { ...awaiting.order, awaitsGo: true } }, 0);
    const effects = staging.handle({ kind: "go", generation: 1, release }, 1);
    expect(notes(effects)).toEqual([{ kind: "note", order: stageOrder(v1, 1) }]);
  });

  test("its latest neighbours, and that it is paused", () => {
    const staging = new StagingMachine();
    staging.handle(ordered(v1), 0);
    staging.handle({ kind: "neighbours", generation: 1, release, neighbours: [] }, 1);
    const effects = staging.handle({ kind: "pause", generation: 1, release, paused: true }, 2);
    const order = { ...stageOrder(v1, 1), neighbours: [], paused: true };
    expect(notes(effects)).toEqual([{ kind: "note", order }]);
  });

  test("nothing that failed, was refused, or is installed without its tarball", () => {
    const failing = new StagingMachine();
    const attempt = attemptIn(failing.handle(ordered(v1), 0));
    const why = { code: "disk-full", message: "full" };
    const struck = [{ kind: "strike-note", release }];
    expect(notes(failing.handle({ kind: "failed", attempt, ...why, spoiled: false }, 1))).toEqual(struck);
    const refusing = new StagingMachine();
    expect(notes(refusing.handle({ kind: "refused", generation: 1, release, ...why }, 0))).toEqual(struck);
    expect(notes(new StagingMachine().handle(ordered(v1, 1, { installed: true }), 0))).toEqual(struck);
  });
});
