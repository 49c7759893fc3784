// What is drawn, as golden text: a change of the view is read in review.
import { describe, expect, it } from "vitest";
import { ASCII_GLYPHS, formatBar, UNICODE_GLYPHS } from "../../../cli/follow/bar.ts";
import { formatEventLine } from "../../../cli/follow/event-line.ts";
import { renderRollout } from "../../../cli/follow/render.ts";
import { stageResultOf } from "../../../cli/follow/result.ts";
import { rolloutSummary, stageSummary } from "../../../cli/follow/summary.ts";
import { firstState, nextState, type ViewState } from "../../../cli/follow/view-state.ts";
import { paintWith, widthOf } from "../../../cli/format/text.ts";
import type { RolloutView } from "../../../protocol/api.ts";
import { event, rollout, rolloutNodes, STARTED_AT } from "../support/fixtures.ts";

const MB = 1_000_000;
const SCREEN = { width: 100, height: 40, now: STARTED_AT + 65_000, colours: false, unicode: true };
const plain = { paint: paintWith(false), glyphs: UNICODE_GLYPHS };

const STAGING = rollout({
  waiting: ["3 nodes still fetching or unpacking"],
  nodes: rolloutNodes(8, (index) => {
    if (index <= 4) return { phase: "staged", verifiedBytes: 100 * MB, seconds: index };
    if (index === 5) return { phase: "verified", verifiedBytes: 100 * MB, seconds: 5 };
    return { verifiedBytes: index * 10 * MB, receiveBytesPerSecond: 12.5 * MB, online: index !== 8 };
  }),
});

const ACTIVATING = rollout({
  phase: "activating",
  waves: [1, 2, 2, 2, 1],
  wave: 1,
  waiting: ["2 nodes of wave 2/5 not healthy yet"],
  nodes: rolloutNodes(8, (index) => ({
    phase: index === 1 ? "healthy" : index <= 3 ? "activating" : "staged",
    step: index === 2 ? "probing" : index === 3 ? "starting" : null,
    verifiedBytes: 100 * MB,
  })),
});

const ROLLING_BACK = rollout({
  phase: "rolling-back",
  waves: [1, 2, 2, 2, 1],
  wave: 1,
  message: "node-3 did not become healthy",
  waiting: ["1 node going back, 0 to go"],
  nodes: rolloutNodes(8, (index) => {
    const verifiedBytes = 100 * MB;
    if (index === 1) return { phase: "rolling-back", step: "switching", verifiedBytes };
    if (index === 2) return { phase: "rolled-back", verifiedBytes };
    if (index > 3) return { phase: "staged", verifiedBytes };
    const logTail = [
      "listening on 8080",
      "\u001b[31mTypeError: x is not a function\u001b[0m",
      "    at main.js:3:1",
    ];
    return {
      phase: "failed",
      code: "health-timeout",
      message: "GET http://127.0.0.1:8080/health answered 500",
      logTail,
      verifiedBytes,
    };
  }),
});

const state = (view: RolloutView): ViewState => firstState(view, 0);
const switching = (view: RolloutView): ViewState =>
  [2, 3].reduce(
    (known, index) =>
      nextState(
        known,
        {
          kind: "history",
          event: event(index, "node-activating", {
            node: `node-${index}`,
            at: STARTED_AT + 50_000 + index * 1_000,
          }),
        },
        0,
      ),
    state(view),
  );

/** Seen for two seconds, in which half of what is there arrived. */
const fetching = (view: RolloutView): ViewState => {
  const nodes = view.nodes.map((node) => ({ ...node, verifiedBytes: node.verifiedBytes / 2 }));
  return nextState(state({ ...view, nodes }), { kind: "rollout", rollout: view }, 2_000);
};

describe("the live view", () => {
  it.each([
    ["staging", fetching(STAGING)],
    ["activating", switching(ACTIVATING)],
    ["rolling-back", state(ROLLING_BACK)],
    ["disconnected", { ...state(STAGING), isConnected: false }],
  ])("while %s", async (name, view) => {
    await expect(`${renderRollout(view, SCREEN).join("\n")}\n`).toMatchFileSnapshot(
      `../../golden/cli-live-${name}.txt`,
    );
  });

  it("in colours", async () => {
    const lines = renderRollout(state(ROLLING_BACK), { ...SCREEN, colours: true });
    await expect(`${JSON.stringify(lines, null, 1)}\n`).toMatchFileSnapshot(
      "../../golden/cli-live-colours.txt",
    );
  });

  it("without Unicode", () => {
    const text = renderRollout(switching(ACTIVATING), { ...SCREEN, unicode: false }).join("\n");
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
  });

  it("fits every terminal, and never fills its last line or column", () => {
    for (const view of [state(STAGING), switching(ACTIVATING), state(ROLLING_BACK)])
      for (const width of [1, 2, 10, 40, 79, 80, 81, 200])
        for (const height of [1, 2, 5, 10, 24])
          for (const colours of [true, false]) {
            const lines = renderRollout(view, { ...SCREEN, width, height, colours });
            expect(lines.length).toBeLessThanOrEqual(Math.max(1, height - 1));
            for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(Math.max(1, width - 1));
          }
  });

  it("says how much does not fit", () => {
    expect(renderRollout(state(ROLLING_BACK), { ...SCREEN, height: 6 }).at(-1)).toMatch(/^… \d+ more lines$/);
  });

  it("shows the waves around the present one when there are many", () => {
    const waves = Array.from({ length: 100 }, () => 10);
    const text = renderRollout(state({ ...ACTIVATING, waves, wave: 50 }), SCREEN).join("\n");
    expect(text).toContain("… 10✓ 10✓ [10] 10");
    expect(text).toMatch(/… 34 more$/m);
    expect(renderRollout(state({ ...ACTIVATING, waves, wave: 99 }), SCREEN).join("\n")).toMatch(
      /10✓ \[10\]$/m,
    );
  });

  it("of a thousand nodes names only a few", () => {
    const many = rolloutNodes(1_000, (index) => ({
      phase: index > 900 ? "failed" : "healthy",
      code: "hook-failed",
      message: "exit 1",
    }));
    const lines = renderRollout(state({ ...ACTIVATING, phase: "rolling-back", nodes: many }), SCREEN);
    expect(lines.length).toBeLessThan(20);
    expect(lines.at(-2)).toContain("96 more nodes failing");
  });
});

describe("the summary", () => {
  const ended = { finishedAt: STARTED_AT + 34_200, originUploadedBytes: 102 * MB };
  const fetched = { receivedBytes: 100 * MB, uploadedBytes: 98 * MB };

  it("of a release that succeeded", async () => {
    const nodes = rolloutNodes(8, (index) => ({
      phase: index === 8 ? "deferred" : "healthy",
      seconds: index / 2,
      ...fetched,
    }));
    const view = rollout({ ...ended, phase: "succeeded", waves: [1, 2, 2, 2], wave: 3, nodes });
    await expect(`${rolloutSummary(view, true, plain).join("\n")}\n`).toMatchFileSnapshot(
      "../../golden/cli-summary-release.txt",
    );
  });

  it("of a release that was rolled back", async () => {
    const nodes = ROLLING_BACK.nodes.map((node) =>
      node.phase === "rolling-back" ? { ...node, phase: "rolled-back" as const } : node,
    );
    const view = { ...ROLLING_BACK, ...ended, nodes, phase: "rolled-back" as const };
    await expect(`${rolloutSummary(view, false, plain).join("\n")}\n`).toMatchFileSnapshot(
      "../../golden/cli-summary-rolled-back.txt",
    );
  });

  it("of a stage", async () => {
    const nodes = rolloutNodes(4, (index) => ({ phase: "staged", seconds: 1 + (index % 3) / 4, ...fetched }));
    const view = rollout({ ...ended, lane: "stage", phase: "succeeded", nodes });
    const result = stageResultOf(view, { nodeBytesPerSecond: 125 * MB, originBytesPerSecond: 125 * MB });
    await expect(`${stageSummary(result, view, plain).join("\n")}\n`).toMatchFileSnapshot(
      "../../golden/cli-summary-stage.txt",
    );
  });
});

it("an event is one line, whatever its message holds", () => {
  const line = formatEventLine(
    event(16, "node-failed", { node: "node-1", message: "boom\n\u001b[2J" }),
    STARTED_AT,
  );
  expect(line).toBe("    1.60s node-failed          node-1 · boom··[2J");
});

describe("a bar", () => {
  const style = { width: 10, paint: paintWith(false), glyphs: ASCII_GLYPHS };

  it.each([
    [[0], 10, ".........."],
    [[9.99], 10, "#########."],
    [[10], 10, "##########"],
    [[3, 4], 10, "#######..."],
    [[20], 10, "##########"],
    [[0], 0, ".........."],
  ])("of %j out of %d is %s", (amounts, whole, text) => {
    const parts = amounts.map((amount) => ({ amount, glyph: "full" as const }));
    expect(formatBar(parts, whole, style)).toBe(text);
  });
});
