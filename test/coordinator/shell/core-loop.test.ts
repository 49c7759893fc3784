// The loop lets nothing of a batch be seen before all of it is on disk, and stops for good when it cannot be.
import { describe, expect, it } from "vitest";
import type { CoordinatorEffect, CoordinatorEvent } from "../../../coordinator/core/events.ts";
import { CoreLoop, type CoreLoopOptions } from "../../../coordinator/shell/core-loop.ts";
import { SHELL_LIMITS } from "../../../coordinator/shell/limits.ts";
import type { CommitBatch } from "../../../coordinator/shell/store.ts";
import { FleetError } from "../../../protocol/errors.ts";
import { digestSchema, nodeIdSchema, rolloutIdSchema } from "../../../protocol/ids.ts";
import { counters, event } from "../../conformance/store.ts";

const NODE = nodeIdSchema.decode("0".repeat(32), "node");
const ROLLOUT = rolloutIdSchema.decode("r1", "rollout");
const BEAT = { kind: "node-message", nodeId: NODE, message: { kind: "heartbeat" } } as const;
const PROGRESS = {
  kind: "origin-progress",
  sha256: digestSchema.decode("0".repeat(64), "digest"),
  uploadedBytes: 1,
} as const;
const STAGE = { kind: "start-stage", request: { app: "shop", version: "v1" } } as unknown as Extract<
  CoordinatorEvent,
  { kind: "start-stage" }
>;
const SEND: CoordinatorEffect = {
  kind: "send",
  nodeId: NODE,
  message: { kind: "refuse", code: "internal", message: "" },
};

interface Bench {
  readonly loop: CoreLoop;
  /** What happened outside the core, in order. */
  readonly trace: string[];
  readonly commits: CommitBatch[];
  readonly failure: Promise<unknown>;
}

function bench(
  handle: (event: CoordinatorEvent) => readonly CoordinatorEffect[],
  change: { deadline?: () => number | null; commit?: () => void; limits?: Partial<typeof SHELL_LIMITS> } = {},
): Bench {
  const trace: string[] = [];
  const commits: CommitBatch[] = [];
  const { promise: failure, resolve: onFailure } = Promise.withResolvers<unknown>();
  const options: CoreLoopOptions = {
    core: { handle, deadline: change.deadline ?? (() => null) },
    store: {
      commit: (batch) => {
        change.commit?.();
        trace.push(`commit ${batch.records.length}+${batch.events.length}`);
        commits.push(batch);
      },
    },
    limits: { ...SHELL_LIMITS, ...change.limits },
    now: () => 1_000,
    perform: (effect) => trace.push(effect.kind),
    publish: ({ events, rollouts }) => trace.push(`publish ${events.length} ${[...rollouts].join()}`),
    onFailure,
  };
  return { loop: new CoreLoop(options), trace, commits, failure };
}

function save(value: number): CoordinatorEffect {
  return { kind: "save", record: counters(value) };
}

describe("the loop", () => {
  it("commits a whole batch once, then answers and performs, then publishes", async () => {
    let value = 0;
    const { loop, trace, commits } = bench((given) => {
      value += 1;
      if (given.kind === "start-stage") return [save(value), { kind: "started", rolloutId: ROLLOUT }, SEND];
      return [
        save(value),
        { kind: "history", event: event(value) },
        { kind: "rollout-changed", rolloutId: ROLLOUT },
      ];
    });
    loop.submit(PROGRESS, () => trace.push("first is committed"));
    const answer = loop.request(STAGE).then((id) => trace.push(`answer ${id}`));
    loop.submit(PROGRESS);
    await answer;
    expect(trace).toEqual([
      "commit 1+2",
      "first is committed",
      "history",
      "send",
      "history",
      "publish 2 r1",
      "answer r1",
    ]);
    expect(commits[0]?.records).toEqual([counters(3)]);
  });

  it("does not touch the disk when nothing is to be saved", async () => {
    const { loop, trace } = bench(() => [SEND]);
    loop.submit({ kind: "node-gone", nodeId: NODE });
    await loop.request(STAGE);
    expect(trace).toEqual(["send", "send"]);
  });

  it("rejects what the core refuses, and goes on with the rest of the batch", async () => {
    const { loop, trace } = bench((given) => {
      if (given.kind === "start-stage") throw new FleetError("no-nodes", "none");
      return [save(1)];
    });
    loop.submit(PROGRESS);
    await expect(loop.request(STAGE)).rejects.toMatchObject({ code: "no-nodes" });
    expect(trace).toEqual(["commit 1+0"]);
  });

  it("lets nothing of a batch out when its commit fails, and takes nothing more", async () => {
    const { loop, trace, failure } = bench(
      () => [save(1), SEND, { kind: "rollout-changed", rolloutId: ROLLOUT }],
      {
        commit: () => {
          throw new FleetError("disk-full", "no room");
        },
      },
    );
    loop.submit(PROGRESS, () => trace.push("committed"));
    await expect(loop.request(STAGE)).rejects.toMatchObject({ code: "internal" });
    expect(await failure).toMatchObject({ code: "disk-full" });
    await expect(loop.request(STAGE)).rejects.toMatchObject({ code: "internal" });
    expect(trace).toEqual([]);
  });

  it("stops when the core itself fails, before anything of the batch is committed", async () => {
    const { loop, trace, failure } = bench((given) => {
      if (given.kind === "node-gone") throw new Error("a bug");
      return [save(1), SEND];
    });
    loop.submit(PROGRESS);
    loop.submit({ kind: "node-gone", nodeId: NODE });
    expect(await failure).toMatchObject({ message: "a bug" });
    expect(trace).toEqual([]);
  });

  it("treats a refusal of something that nobody asked for as a fault", async () => {
    const { loop, failure } = bench(() => {
      throw new FleetError("no-nodes", "none");
    });
    loop.submit(PROGRESS);
    expect(await failure).toMatchObject({ code: "no-nodes" });
  });

  it("ticks the core when its deadline has come", async () => {
    const { promise: ticked, resolve } = Promise.withResolvers<void>();
    let deadline: number | null = 1_000;
    const { loop } = bench(
      (given) => {
        if (given.kind !== "tick") return [];
        deadline = null;
        resolve();
        return [];
      },
      { deadline: () => deadline },
    );
    loop.start([]);
    await ticked;
  });

  it("performs what a restart calls for once it is committed", () => {
    const { loop, trace } = bench(() => []);
    loop.start([save(1), SEND]);
    expect(trace).toEqual(["commit 1+0", "send"]);
  });

  it("splits a flood into batches and loses none of it", async () => {
    const { loop, trace } = bench(() => [save(1)], { limits: { batchEventsMax: 2 } });
    for (let count = 0; count < 4; count += 1) loop.submit(PROGRESS);
    await loop.request(STAGE);
    expect(trace).toEqual(["commit 1+0", "commit 1+0", "commit 1+0"]);
  });

  it("turns requests away when it is too far behind", async () => {
    const { loop } = bench(() => [], { limits: { queueEventsMax: 1 } });
    loop.submit(BEAT);
    expect(loop.hasRoom).toBe(false);
    await expect(loop.request(STAGE)).rejects.toMatchObject({ code: "overloaded" });
  });

  it("finishes what is queued when it is stopped, and refuses what comes after", async () => {
    const { loop, trace } = bench(() => [save(1)]);
    const answer = loop.request(STAGE);
    loop.stop();
    await answer;
    expect(trace).toEqual(["commit 1+0"]);
    await expect(loop.request(STAGE)).rejects.toMatchObject({ code: "overloaded" });
  });
});
