// Exit codes and errors of rollouts by how they ended.
// What each end of a rollout means for the one who asked for it: exit code and error.
import { describe, expect, it } from "vitest";
import { verdictOn } from "../../../cli/follow/verdict.ts";
import type { RolloutView } from "../../../protocol/api.ts";
import { rollout, rolloutNode } from "../support/fixtures.ts";

const failed = (codes: readonly (string | null)[]): RolloutView =>
  rollout({
    phase: "failed",
    code: "stage-failed",
    message: `${codes.length} nodes could not stage it`,
    nodes: codes.map((code, index) =>
      rolloutNode(index + 1, { phase: "stage-failed", code, message: `why ${code}` }),
    ),
  });

describe("the exit code", () => {
  it.each([
    ["succeeded", rollout({ phase: "succeeded" }), 0],
    ["rolled back", rollout({ phase: "rolled-back", code: "rollout-failed" }), 3],
    ["left mixed", rollout({ phase: "rollback-incomplete", code: "fleet-mixed" }), 4],
    ["refused by every node", failed(["manifest-untrusted", "manifest-untrusted"]), 5],
    ["refused by every node for different reasons", failed(["manifest-untrusted", "disk-full"]), 5],
    ["refused by one node and broken on another", failed(["manifest-untrusted", "download-stalled"]), 3],
    ["broken on a node that gives no reason", failed([null]), 3],
    ["broken on a node with a code nobody knows", failed(["gremlins"]), 3],
    ["failed without a failing node", failed([]), 3],
  ])("of a rollout that %s", (_, view, exitCode) => {
    expect(verdictOn(view, "forward")?.exitCode ?? 0).toBe(exitCode);
  });

  it("is 0 for a rollback that undid the running release, wherever it was", () => {
    for (const phase of ["rolled-back", "failed"] as const) {
      expect(verdictOn(rollout({ phase }), "back")).toBeNull();
      expect(verdictOn(rollout({ phase, lane: "rollback" }), "back")).not.toBeNull();
    }
    expect(verdictOn(rollout({ phase: "rollback-incomplete" }), "back")?.exitCode).toBe(4);
    expect(verdictOn(rollout({ phase: "succeeded" }), "back")?.exitCode).toBe(3);
    expect(verdictOn(rollout({ phase: "succeeded", lane: "rollback" }), "back")).toBeNull();
  });
});

describe("the error of a rollout that ended badly", () => {
  it("is the one that all failing nodes give, with what to do about it", () => {
    const verdict = verdictOn(failed(["manifest-untrusted", "manifest-untrusted"]), "forward");
    expect(verdict).toMatchObject({
      code: "manifest-untrusted",
      message: "shop v42 failed, and nothing was activated: node-1: why manifest-untrusted (and 1 more node)",
      next: expect.stringContaining("--trust") as string,
    });
  });

  it("is the rollout's own when nodes differ", () => {
    expect(verdictOn(failed(["disk-full", "install-failed"]), "forward")).toMatchObject({
      code: "stage-failed",
    });
  });
});
