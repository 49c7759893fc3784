// What is said to hold a node up, as one table from measurements to a cause.
import { describe, expect, it } from "vitest";
import { type VerdictFacts, verdictOf } from "../../../coordinator/core/verdict.ts";
import type { Inspection, LinkInspection, TorrentInspection } from "../../../protocol/inspection.ts";
import { releaseRefSchema } from "../../../protocol/manifest.ts";

const MB = 1_000_000;
const PIECE_BYTES = MB;
const release = releaseRefSchema.decode({ app: "shop", version: "v2", sha256: "a".repeat(64) }, "release");

function link(change: Partial<LinkInspection> = {}): LinkInspection {
  return {
    ...{ source: "b".repeat(32), openMs: 5_000, receiveBytesPerSecond: MB, sendBytesPerSecond: 0 },
    ...{ receivedBytes: 5 * MB, sentBytes: 0, requestsOpen: 8, requestsWaiting: 0, choked: false },
    ...{ pieces: 80, usefulPieces: 40, silentMs: 10, stalls: 0 },
    ...change,
  };
}

/** Half done, at the rate that its links add up to. */
function torrent(
  links: readonly LinkInspection[],
  change: Partial<TorrentInspection> = {},
): TorrentInspection {
  const rate = links.reduce((sum, { receiveBytesPerSecond }) => sum + receiveBytesPerSecond, 0);
  return {
    ...{ generation: 1, release, phase: "fetching", paused: false, pieceCount: 100, verifiedPieces: 50 },
    ...{ verifiedBytes: 50 * MB, receivedBytes: 51 * MB, uploadedBytes: 0, receiveBytesPerSecond: rate },
    ...{
      sendBytesPerSecond: 0,
      receiveBytesPerSecondPeak: rate,
      hashing: 0,
      writing: 0,
      hashMs: 1,
      writeMs: 1,
    },
    ...{ neighbourCount: links.length, unlinkedCount: 0, unlinked: [], linkCount: links.length, links },
    ...{ missingCount: 50, unavailableCount: 0, missing: [] },
    ...change,
  };
}

function facts(seen: TorrentInspection | null, change: Partial<VerdictFacts> & Partial<Inspection> = {}) {
  const inspection: Inspection = {
    ...{ kind: "inspection", requestId: 1, uploadBytesPerSecondMax: null },
    busyShare: change.busyShare ?? 0.1,
    downloadBytesPerSecondMax: change.downloadBytesPerSecondMax ?? null,
    torrents: change.torrents ?? (seen === null ? [] : [seen]),
  };
  return {
    ...{ node: "answered", state: "staging", failure: null, pausedBy: null, awaitsGo: false },
    ...{ artifactBytes: 100 * MB, pieceLength: PIECE_BYTES, verifiedBytes: 50 * MB },
    ...{ inspection, torrent: seen },
    ...change,
  } as VerdictFacts;
}

const unheard = { inspection: null, torrent: null } as const;
const origin = (change: Partial<LinkInspection> = {}) => link({ source: "origin", ...change });
const two = [link(), link()];
/** Half of the best, so that its own link is not what it waits for. */
const slowed = { receiveBytesPerSecondPeak: 4 * MB };

const table: readonly [what: string, facts: VerdictFacts, limit: string, message: RegExp][] = [
  ["all is staged", facts(null, { state: "staged" }), "done", /nothing is left/],
  ["staged, and then away", facts(null, { state: "staged", node: "offline", ...unheard }), "done", /staged/],
  ["it gave up", facts(null, { state: "failed", failure: "disk full" }), "failed", /gave up: disk full/],
  ["it is away", facts(null, { node: "offline", ...unheard }), "offline", /not connected/],
  ["it does not answer", facts(null, { node: "silent", ...unheard }), "silent", /did not answer in time/],
  ["it knows nothing of it", facts(null), "silent", /knows nothing/],
  [
    "an operator's pause",
    facts(torrent(two, { paused: true }), { pausedBy: "eve" }),
    "paused",
    /paused by eve/,
  ],
  ["a pause nobody told us of", facts(torrent(two, { paused: true })), "paused", /told to ask for nothing/],
  ["a pause of a silent node", facts(null, { node: "silent", ...unheard, pausedBy: "eve" }), "paused", /eve/],
  [
    "before GO",
    facts(torrent(two, { paused: true }), { awaitsGo: true }),
    "waiting-for-go",
    /links are open/,
  ],
  ["behind other releases", facts(torrent([], { phase: "waiting" })), "waiting-for-turn", /other releases/],
  ["it unpacks", facts(torrent(two, { phase: "installing" })), "installing", /unpacked/],
  ["all bytes are here", facts(torrent(two, { missingCount: 0 })), "installing", /checked/],
  ["it said that all bytes are here", facts(null, { state: "verified" }), "installing", /checked/],
  ["no link", facts(torrent([], { neighbourCount: 3 })), "no-links", /any of its 3 neighbours/],
  ["no neighbour", facts(torrent([])), "no-links", /nobody to fetch from/],
  [
    "nobody has it",
    facts(torrent(two, { unavailableCount: 50 })),
    "no-source",
    /none of its 2 links has any/,
  ],
  [
    "the only link lacks it",
    facts(torrent([link()], { unavailableCount: 50 })),
    "no-source",
    /only link has none/,
  ],
  [
    "at its cap",
    facts(torrent(two), { downloadBytesPerSecondMax: 2.1 * MB }),
    "capped",
    /capped at 2.1 MB\/s/,
  ],
  [
    "well below its cap",
    facts(torrent(two, slowed), { downloadBytesPerSecondMax: 5 * MB }),
    "sources",
    /2 of 2/,
  ],
  [
    "two releases share a cap",
    facts(torrent([link()]), {
      downloadBytesPerSecondMax: 2.1 * MB,
      torrents: [torrent([link()]), torrent([link()])],
    }),
    "capped",
    /shared with the other releases/,
  ],
  ["its main thread is busy", facts(torrent(two), { busyShare: 0.97 }), "cpu", /97 %/],
  [
    "pieces queue for the disk",
    facts(torrent(two, { writing: 3, writeMs: 500 })),
    "disk",
    /3 pieces wait .* 500 ms/,
  ],
  [
    "the disk has stopped everything",
    facts(torrent([link({ receiveBytesPerSecond: 0 })], { writing: 2, receiveBytesPerSecondPeak: MB })),
    "disk",
    /2 pieces wait to be written/,
  ],
  ["pieces queue to be hashed", facts(torrent(two, { hashing: 2, hashMs: 450 })), "hashing", /2 pieces/],
  [
    "two pieces happen to be written",
    facts(torrent(two, { writing: 2, writeMs: 5 })),
    "own-link",
    /2 sources/,
  ],
  [
    "several send, at its best",
    facts(torrent([link(), link(), link()])),
    "own-link",
    /3 sources send at once/,
  ],
  [
    "one of several brings it all",
    facts(torrent([link(), link({ receiveBytesPerSecond: 30_000 })])),
    "sources",
    /2 of 2/,
  ],
  ["several send, at half of its best", facts(torrent(two, slowed)), "sources", /2 of 2 that have .* send/],
  [
    "only the origin has it",
    facts(torrent([origin(), link({ usefulPieces: 0 })])),
    "origin",
    /of 2 links only/,
  ],
  [
    "those who have it choke it or are silent",
    facts(
      torrent([
        link({ receiveBytesPerSecond: 0, choked: true, silentMs: null, requestsOpen: 0 }),
        link({ receiveBytesPerSecond: 0, silentMs: 9_000 }),
        link({ receiveBytesPerSecond: 0, silentMs: null, requestsOpen: 0 }),
      ]),
    ),
    "sources",
    /0 of 3 that have what it lacks send; 1 does not serve it, 1 owes blocks and is silent, 1 is asked for nothing/,
  ],
];

describe("what holds a stage up", () => {
  it.each(table)("%s", (_, known, limit, message) => {
    const verdict = verdictOf(known);
    expect(verdict.limit).toBe(limit);
    expect(verdict.message).toMatch(message);
  });
});
