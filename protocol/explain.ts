// GET /v1/nodes/NODE/explain: why a node is slow, as the CLI and scripts see it. What the node says of itself, joined
// with what the coordinator knows, and one verdict per release.
import { nodeViewSchema } from "./api.ts";
import { appNameSchema, rolloutIdSchema, versionSchema } from "./ids.ts";
import { LINK_FIELDS, MISSING_FIELDS, TORRENT_FIELDS } from "./inspection.ts";
import {
  INSPECTED_LINKS_MAX,
  INSPECTED_MISSING_MAX,
  INSPECTED_SOURCES_MAX,
  MESSAGE_CHARS_MAX,
  OFFENCES_PER_RELEASE_MAX,
} from "./limits.ts";
import { offenceViewSchema } from "./offence.ts";
import { type Infer, integer, list, literal, nullable, object, real, text } from "./schema.ts";

const byteCount = integer(0);
const millis = integer(0);
const name = text({ min: 1, max: 255 });

/** What holds a stage up, or that nothing does. */
export const limitSchema = literal(
  "done", // staged: nothing is left to do
  "failed", // given up; the message says why
  "offline", // not connected; what is shown is what it said last
  "silent", // connected, and did not answer; what is shown is what it said last
  "paused", // an operator has paused the release
  "waiting-for-go", // its links are open; it begins together with the others
  "waiting-for-turn", // other releases are staged on this node first
  "installing", // all bytes are here; the whole is being checked and unpacked
  "no-links", // it is connected to nobody
  "no-source", // nobody it is connected to has what it lacks
  "origin", // only the origin has what it lacks
  "capped", // an operator's limit
  "cpu", // its main thread
  "hashing", // pieces wait to be checked
  "disk", // pieces wait to be written
  "own-link", // several sources send, and it gets about the most it ever got
  "sources", // those who have what it lacks send little or nothing
);
export type Limit = Infer<typeof limitSchema>;

export const verdictSchema = object({ limit: limitSchema, message: text({ max: MESSAGE_CHARS_MAX }) });
export type Verdict = Infer<typeof verdictSchema>;

export const linkViewSchema = object({
  /** The node's name, or `source` when it is none of the fleet's nodes. */
  name,
  ...LINK_FIELDS,
});
export type LinkView = Infer<typeof linkViewSchema>;

export const missingViewSchema = object({
  ...MISSING_FIELDS,
  /** As names. */
  holders: list(name, INSPECTED_SOURCES_MAX),
});

export const torrentViewSchema = object({
  ...TORRENT_FIELDS,
  /** As names. */
  unlinked: list(name, INSPECTED_SOURCES_MAX),
  links: list(linkViewSchema, INSPECTED_LINKS_MAX),
  missing: list(missingViewSchema, INSPECTED_MISSING_MAX),
});
export type TorrentView = Infer<typeof torrentViewSchema>;

export const stageExplanationSchema = object({
  app: appNameSchema,
  version: versionSchema,
  /** The latest rollout of this release that the node is part of; null when it is forgotten. */
  rolloutId: nullable(rolloutIdSchema),
  /** What the coordinator has heard of the stage. */
  state: literal("staging", "verified", "staged", "failed"),
  verdict: verdictSchema,
  artifactBytes: byteCount,
  verifiedBytes: byteCount,
  receivedBytes: byteCount,
  uploadedBytes: byteCount,
  receiveBytesPerSecond: real(0, 1e12),
  /** When these figures were told; null when the node has told nothing yet. */
  toldAt: nullable(millis),
  /** When the verified bytes last grew. */
  progressAt: nullable(millis),
  /** At the present rate; null when it stands still or there is nothing left to fetch. */
  etaSeconds: nullable(real(0, 1e9)),
  /** As the node itself sees it; null unless it answered. */
  torrent: nullable(torrentViewSchema),
  /** What others hold against this node in this release, and what it holds against others. */
  accused: list(offenceViewSchema, OFFENCES_PER_RELEASE_MAX),
  accuses: list(offenceViewSchema, OFFENCES_PER_RELEASE_MAX),
});
export type StageExplanation = Infer<typeof stageExplanationSchema>;

/** Releases that are explained: those under way and the latest that were. */
export const EXPLAINED_STAGES_MAX = 8;

export const explanationSchema = object({
  at: millis,
  node: nodeViewSchema,
  /** When it came, or went away; null while the coordinator does not know. */
  since: nullable(millis),
  /** Whether the node itself was heard. */
  answer: literal("answered", "silent", "offline"),
  /** Share of the last quarter of a second in which its main thread was busy; null unless it answered. */
  busyShare: nullable(real(0, 1)),
  uploadBytesPerSecondMax: nullable(integer(1)),
  downloadBytesPerSecondMax: nullable(integer(1)),
  /** Those under way first. */
  stages: list(stageExplanationSchema, EXPLAINED_STAGES_MAX),
});
export type Explanation = Infer<typeof explanationSchema>;
