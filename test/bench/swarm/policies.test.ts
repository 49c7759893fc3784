// Processes with another policy than the one that ships: each change finds its place in the sources as they are, takes
// effect in a process, and a place that is gone is noticed.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { edited, editsFor } from "../../../bench/swarm/policy-edits.ts";
import { RING_COUNT } from "../../../coordinator/core/graph.ts";
import { POLICIES, POLICY_NAMES, type PolicyName } from "../../../sim/core/policies.ts";
import { SHIPPED_POLICY } from "../../../sim/core/scenario.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const CRIPPLED = { injection: false, rings: 2, trees: false, picking: "in-order", endgame: false } as const;

async function inProcess(policy: PolicyName): Promise<unknown> {
  const script = `
    import { loadSourcesOf } from "./bench/swarm/policy-sources.ts";
    loadSourcesOf("${policy}");
    const { RING_COUNT } = await import("./coordinator/core/graph.ts");
    const { TREE_MEMBERS_MIN } = await import("./coordinator/core/stripe-trees.ts");
    const { DOWNLOAD_CONFIG } = await import("./peer/core/download-config.ts");
    process.stdout.write(JSON.stringify({
      rings: RING_COUNT, feedsThousands: TREE_MEMBERS_MIN < 1000, picking: DOWNLOAD_CONFIG.pickOrder,
    }));`;
  const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", script];
  return JSON.parse((await promisify(execFile)(process.execPath, args, { cwd: ROOT })).stdout);
}

describe("the changes of a policy", () => {
  it("are none for the one that ships", () => {
    expect(editsFor(SHIPPED_POLICY)).toEqual([]);
    expect(POLICIES.shipped).toBe(SHIPPED_POLICY);
  });

  it("each find their place in the sources once, and leave everything else", async () => {
    const edits = editsFor(CRIPPLED);
    expect(edits).toHaveLength(5);
    for (const edit of edits) {
      const source = await readFile(path.join(ROOT, edit.file), "utf8");
      const text = edited(source, edit);
      expect(text.replace(edit.to, edit.from)).toBe(source);
      expect(text).not.toBe(source);
    }
  });

  it.each(["none of it", "RING = 5; RING = 5;"])("fail where the source says %j", (source) => {
    const edit = { file: "graph.ts", from: "RING = 5;", to: "RING = 1;" };
    expect(() => edited(source, edit)).toThrow("graph.ts does not say once: RING = 5;");
  });

  it.each<[PolicyName, unknown]>([
    ["shipped", { rings: RING_COUNT, feedsThousands: true, picking: "rarest" }],
    ["few-links", { rings: 1, feedsThousands: true, picking: "rarest" }],
    ["sequential", { rings: RING_COUNT, feedsThousands: true, picking: "in-order" }],
    ["no-trees", { rings: RING_COUNT, feedsThousands: false, picking: "rarest" }],
  ])("are in force in a process of %s", async (policy, expected) => {
    expect(await inProcess(policy)).toEqual(expected);
  });
});

describe("a process with a policy", () => {
  const main = path.join(ROOT, "bench/swarm/policy-main.ts");
  const run = (...args: readonly string[]) => promisify(execFile)(process.execPath, [main, ...args]);

  it.each(POLICY_NAMES)("runs commands as fleet does (%s)", async (policy) => {
    expect((await run(policy, "--version")).stdout).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("refuses a policy that nobody knows", async () => {
    await expect(run("greedy", "--version")).rejects.toThrow("greedy is no policy: expected one of shipped,");
  });
});
