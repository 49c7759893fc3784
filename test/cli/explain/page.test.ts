// `fleet explain`: what a tired person reads, on terminals of several widths and in a pipe, and what a script gets.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { explainPage } from "../../../cli/explain/page.ts";
import { paintWith, widthOf } from "../../../cli/format/text.ts";
import {
  type Explanation,
  explanationSchema,
  type LinkView,
  type StageExplanation,
  type TorrentView,
} from "../../../protocol/explain.ts";
import { rolloutIdSchema } from "../../../protocol/ids.ts";
import type { OffenceView } from "../../../protocol/offence.ts";
import { FakeCoordinator } from "../support/fake-coordinator.ts";
import { APP, node, STARTED_AT, version } from "../support/fixtures.ts";
import { fleet } from "../support/test-host.ts";

const MB = 1_000_000;
const plain = paintWith(false);
const golden = (name: string): string => `../../golden/cli-explain-${name}.txt`;

function link(name: string, change: Partial<LinkView> = {}): LinkView {
  return {
    ...{ name, source: name, openMs: 62_000, receiveBytesPerSecond: 2.1 * MB, sendBytesPerSecond: 12_000 },
    ...{ receivedBytes: 20 * MB, sentBytes: MB, requestsOpen: 12, requestsWaiting: 3, choked: false },
    ...{ pieces: 90, usefulPieces: 45, silentMs: 20, stalls: 0 },
    ...change,
  };
}

function torrent(change: Partial<TorrentView> = {}): TorrentView {
  const links = [
    link("origin"),
    link("web-2", { receiveBytesPerSecond: 2.4 * MB }),
    link("web-7", { receiveBytesPerSecond: 0, silentMs: 12_400, stalls: 2, requestsOpen: 3 }),
    link("database-replica-in-another-zone-9", { receiveBytesPerSecond: 0, choked: true, silentMs: null }),
  ];
  return {
    ...{
      paused: false,
      pieceCount: 100,
      verifiedPieces: 45,
      verifiedBytes: 45 * MB,
      receivedBytes: 46.1 * MB,
    },
    ...{ uploadedBytes: 12.3 * MB, receiveBytesPerSecond: 4.5 * MB, sendBytesPerSecond: 1.2 * MB },
    ...{ receiveBytesPerSecondPeak: 9.8 * MB, hashing: 0, writing: 1, hashMs: 2.2, writeMs: 5.4 },
    ...{ neighbourCount: 5, unlinkedCount: 1, unlinked: ["web-9"], linkCount: 4, links },
    ...{ missingCount: 55, unavailableCount: 2 },
    missing: [
      { piece: 17, state: "wanted", holderCount: 0, holders: [] },
      { piece: 31, state: "wanted", holderCount: 0, holders: [] },
      { piece: 90, state: "asked", holderCount: 7, holders: ["web-2", "origin"] },
    ],
    ...change,
  };
}

function stage(change: Partial<StageExplanation> = {}): StageExplanation {
  const message =
    "its sources: 2 of 4 that have what it lacks send; 1 does not serve it, 1 owes blocks and is silent";
  return {
    ...{ app: APP, version: version("v42"), rolloutId: rolloutIdSchema.decode("r7", "id"), state: "staging" },
    ...{ verdict: { limit: "sources", message }, artifactBytes: 100 * MB, verifiedBytes: 45 * MB },
    ...{ receivedBytes: 46.1 * MB, uploadedBytes: 12.3 * MB, receiveBytesPerSecond: 4.5 * MB },
    ...{ toldAt: STARTED_AT, progressAt: STARTED_AT - 1_000, etaSeconds: 12.2, torrent: torrent() },
    ...{ accused: [], accuses: [] },
    ...change,
  };
}

function explanation(change: Partial<Explanation> = {}): Explanation {
  return {
    ...{ at: STARTED_AT, node: node(3), since: STARTED_AT - 725_000, answer: "answered", busyShare: 0.123 },
    ...{ uploadBytesPerSecondMax: null, downloadBytesPerSecondMax: 5 * MB, stages: [stage()] },
    ...change,
  };
}

const accusation: OffenceView = {
  ...{ source: "f".repeat(32), name: "web-7", fault: "no-answer", piece: null, accuserCount: 1 },
  ...{ accusers: ["node-3"], firstAt: STARTED_AT },
  message: "node web-7 did not answer 1 node (node-3 says so); others are asked there instead",
};

const away = stage({
  verdict: { limit: "offline", message: "the node is not connected; this is what it said last" },
  ...{ torrent: null, etaSeconds: null, toldAt: STARTED_AT - 12_000, progressAt: STARTED_AT - 130_000 },
});
const done = stage({
  ...{ state: "staged", verdict: { limit: "done", message: "staged: nothing is left to fetch" } },
  ...{ torrent: null, etaSeconds: null, version: version("v41") },
});

describe("the page about a node", () => {
  it("that fetches says why it is slow before what that rests on", async () => {
    const view = explanation({ stages: [stage({ accuses: [accusation] }), done] });
    const lines = explainPage(view, { paint: plain, width: null });
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(golden("fetching"));
  });

  it("that is away says what it said last", async () => {
    const offline = { ...node(3, { online: false }), lastSeenAt: STARTED_AT - 12_000 };
    const view = explanation({ answer: "offline", busyShare: null, node: offline, stages: [away] });
    const lines = explainPage(view, { paint: plain, width: null });
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(golden("offline"));
  });

  it("that does not answer says so in its first line", () => {
    const [first] = explainPage(explanation({ answer: "silent", stages: [away] }), {
      paint: plain,
      width: null,
    });
    expect(first).toContain("online, does not answer");
  });

  it("with nothing to do says that", () => {
    expect(explainPage(explanation({ stages: [] }), { paint: plain, width: 80 }).at(-1)).toBe(
      "nothing is being staged on it",
    );
  });

  it.each([60, 80, 120])("fits a terminal of %i columns, and loses no word of the cause", async (width) => {
    const view = explanation({ stages: [stage({ accused: [accusation], accuses: [accusation] })] });
    const lines = explainPage(view, { paint: plain, width });
    expect(lines.filter((line) => widthOf(line) > width)).toEqual([]);
    const words = lines.join(" ").replace(/\s+/g, " ");
    expect(words).toContain(view.stages[0]?.verdict.message);
    if (width === 80) await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(golden("80-columns"));
  });

  it("lists the fastest links and those in trouble, and how many more there are", () => {
    const links = [
      ...Array.from({ length: 40 }, (_, index) => link(`web-${index}`)),
      link("bad", { receiveBytesPerSecond: 0, silentMs: 9_000 }),
    ];
    const view = explanation({ stages: [stage({ torrent: torrent({ links, linkCount: 41 }) })] });
    const page = explainPage(view, { paint: plain, width: null }).join("\n");
    expect(page).toMatch(/bad +0 B\/s.*silent 9s/);
    expect(page).toContain("and 32 more links, which --json lists");
  });

  it("lets no name command the terminal", () => {
    const evil = torrent({ links: [link("a\u001b[2Jb")], unlinked: ["c\u001b[2Jd"] });
    const page = explainPage(explanation({ stages: [stage({ torrent: evil })] }), {
      paint: plain,
      width: 80,
    });
    expect(page.join("\n")).not.toContain("\u001b");
  });
});

describe("fleet explain", () => {
  let fake: FakeCoordinator;
  beforeEach(async () => {
    fake = await FakeCoordinator.open();
  });
  afterEach(() => fake.close());

  it("prints the page, and under --json the whole answer", async () => {
    fake.explanation = explanation();
    const { code, stdout } = await fleet(["explain", "node-3"], { env: fake.env });
    expect(code).toBe(0);
    expect(stdout).toBe(`${explainPage(explanation(), { paint: plain, width: null }).join("\n")}\n`);
    const { host } = await fleet(["explain", "node-3", "--json"], { env: fake.env });
    expect(explanationSchema.decode(host.lastJson, "")).toEqual(explanation());
  });

  it("exits 0 for a node that is away, 2 for one nobody knows, and 2 without a name", async () => {
    fake.explanation = explanation({ answer: "offline", busyShare: null, stages: [away] });
    expect((await fleet(["explain", "node-3"], { env: fake.env })).code).toBe(0);
    const unknown = await fleet(["explain", "nobody"], { env: fake.env });
    expect(unknown).toMatchObject({ code: 2, stdout: "" });
    expect(unknown.stderr).toContain("no node is called nobody");
    expect((await fleet(["explain"], { env: fake.env })).code).toBe(2);
  });
});
