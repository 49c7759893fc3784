// Every message on the control WebSocket, in both directions, as closed unions with one schema each.

import { appNameSchema, nodeIdSchema, nodeNameSchema, publicKeySchema, rolloutIdSchema } from "./ids.ts";
import { inspectionSchema, inspectSchema } from "./inspection.ts";
import {
  APPS_PER_NODE_MAX,
  FAR_PARTS_MAX,
  HEALTH_TIMEOUT_MS_MAX,
  LABEL_CHARS_MAX,
  LABELS_MAX,
  LINKS_TOLD_MAX,
  LOG_LINE_CHARS_MAX,
  LOG_TAIL_LINES_MAX,
  MESSAGE_CHARS_MAX,
  NEIGHBOURS_MAX,
  NODES_MAX,
  TORRENT_INFO_BYTES_MAX,
  VERSIONS_PER_APP_MAX,
} from "./limits.ts";
import { releaseRefSchema, signedManifestSchema } from "./manifest.ts";
import { offenderSchema } from "./offence.ts";
import { RATE_BYTES_PER_SECOND_MAX } from "./rates.ts";
import {
  bytes,
  dictionary,
  flag,
  type Infer,
  integer,
  list,
  literal,
  nullable,
  object,
  real,
  text,
  union,
} from "./schema.ts";
import { ALL_STRIPES } from "./stripes.ts";

const generation = integer(1);
const byteCount = integer(0);
const message = text({ max: MESSAGE_CHARS_MAX });
const errorCode = text({ min: 1, max: 40, pattern: /^[a-z-]+$/ });
const logTail = list(text({ max: LOG_LINE_CHARS_MAX }), LOG_TAIL_LINES_MAX);
const host = text({ min: 1, max: 255, pattern: /^[A-Za-z0-9.:_-]+$/, expected: "a host name or address" });
const port = integer(1, 65_535);
const healthTimeoutMs = integer(1, HEALTH_TIMEOUT_MS_MAX);

export const labelValueSchema = text({ max: LABEL_CHARS_MAX });
export const labelsSchema = dictionary(
  text({ min: 1, max: 64, pattern: /^[A-Za-z][A-Za-z0-9_.-]*$/, expected: "a label name" }),
  labelValueSchema,
  LABELS_MAX,
);
export type Labels = Infer<typeof labelsSchema>;

/** How an activation or rollback order ended on a node. `restored`: what is live after a failure. */
export const outcomeSchema = union({
  healthy: object({ kind: literal("healthy") }),
  failed: object({
    kind: literal("failed"),
    code: errorCode,
    message,
    logTail,
    /** `done`: the previous release is live and healthy again. `none`: there was no previous one, the link is gone. */
    restored: literal("done", "failed", "none"),
  }),
});
export type Outcome = Infer<typeof outcomeSchema>;

/** What a node knows of one app when it says hello. */
export const appStateSchema = object({
  app: appNameSchema,
  live: nullable(releaseRefSchema),
  /** Releases that are unpacked, verified and could go live at once. */
  installed: list(releaseRefSchema, VERSIONS_PER_APP_MAX),
  /** The newest activation or rollback order this node has accepted, and how it ended; null while it runs. */
  lastOrder: nullable(object({ generation, outcome: nullable(outcomeSchema) })),
});
export type AppState = Infer<typeof appStateSchema>;

/** What a link into another zone is asked for first: pieces whose number leaves one of `parts` when divided by `of`. */
export const farShareSchema = object({
  parts: list(integer(0, NODES_MAX), FAR_PARTS_MAX),
  of: integer(1, NODES_MAX),
});
export type FarShare = Infer<typeof farShareSchema>;

/** Who to exchange pieces with. Exactly one side of each pair has `dial: true`. */
export const neighbourSchema = object({
  id: text({ min: 1, max: 32 }),
  host,
  port,
  dial: flag,
  /** It is in another zone: only what this node's zone lacks is asked of it. Absent: ask it for anything. */
  far: nullable(farShareSchema),
  /** Stripes that it brings without being asked for their pieces (protocol/stripes.ts). Absent: none. */
  feeds: nullable(integer(0, ALL_STRIPES)),
});
export type Neighbour = Infer<typeof neighbourSchema>;

export const ORIGIN_ID = "origin";

const challenge = object({ kind: literal("challenge"), protocol: integer(1, 1_000), nonce: bytes(32, 32) });
const welcome = object({
  kind: literal("welcome"),
  nodeId: nodeIdSchema,
  heartbeatIntervalMs: integer(100, 600_000),
});
const refuse = object({ kind: literal("refuse"), code: errorCode, message });
/** Fetch, verify and unpack this release. The node answers with progress, `verified`, then `staged`. */
const stage = object({
  kind: literal("stage"),
  generation,
  release: releaseRefSchema,
  signed: signedManifestSchema,
  /** The bencoded info dictionary; its SHA-1 must be the manifest's infohash. */
  torrentInfo: bytes(1, TORRENT_INFO_BYTES_MAX),
  neighbours: list(neighbourSchema, NEIGHBOURS_MAX),
  /** Place among those linked to the origin: the node asks it first for pieces i with i mod rankCount = rank. */
  rank: integer(0, NODES_MAX),
  rankCount: integer(1, NODES_MAX),
  /** Open links to the neighbours, answer `stage-ready`, and ask for nothing before `go`. Absent: ask at once. */
  awaitsGo: nullable(flag),
  /** An operator has paused this release: ask for nothing, also after `go`, until a `pause` says otherwise. */
  paused: nullable(flag),
});
/** Every node that is to begin with this release has been told so in the same turn: ask for pieces now. */
const go = object({ kind: literal("go"), generation, release: releaseRefSchema });
/** Paused: take back what was asked for and ask for nothing; links stay, and others are still served. */
const pause = object({ kind: literal("pause"), generation, release: releaseRefSchema, paused: flag });
/** What this node may move from now on for all its releases together. Its own configuration may be stricter. */
const limits = object({
  kind: literal("limits"),
  uploadBytesPerSecondMax: nullable(integer(1, RATE_BYTES_PER_SECOND_MAX)),
  downloadBytesPerSecondMax: nullable(integer(1, RATE_BYTES_PER_SECOND_MAX)),
});
/** The neighbour list of a running stage changed: a node restarted, left or came. */
const neighbours = object({
  kind: literal("neighbours"),
  generation,
  release: releaseRefSchema,
  neighbours: list(neighbourSchema, NEIGHBOURS_MAX),
});
/** The fleet has it: stop serving this release and drop its tarball. */
const stopServing = object({ kind: literal("stop-serving"), generation, release: releaseRefSchema });
/** Make this installed release live, prove it healthy, or put the previous one back. Answered with `activated`. */
const activate = object({
  kind: literal("activate"),
  generation,
  rolloutId: rolloutIdSchema,
  release: releaseRefSchema,
  healthTimeoutMs,
});
/** Take the app off this node: stop it and remove the live link. Undoes a first install. Answered with `activated`. */
const deactivate = object({
  kind: literal("deactivate"),
  generation,
  rolloutId: rolloutIdSchema,
  app: appNameSchema,
});

export const coordinatorMessageSchema = union({
  challenge,
  welcome,
  refuse,
  stage,
  go,
  pause,
  limits,
  neighbours,
  "stop-serving": stopServing,
  activate,
  deactivate,
  inspect: inspectSchema,
});
export type CoordinatorMessage = Infer<typeof coordinatorMessageSchema>;

const hello = object({
  kind: literal("hello"),
  protocol: integer(1, 1_000),
  publicKey: publicKeySchema,
  /** Ed25519 over {@link HELLO_SIGNATURE_CONTEXT} ‖ nonce: proves that this session holds the key. */
  signature: bytes(64, 64),
  /** Needed until the coordinator has admitted this key. */
  joinToken: nullable(text({ min: 1, max: 2_048 })),
  name: nodeNameSchema,
  labels: labelsSchema,
  agentVersion: text({ min: 1, max: 64 }),
  /** Where other nodes reach this one; a null host means the address this connection comes from. */
  swarm: object({ host: nullable(host), port }),
  apps: list(appStateSchema, APPS_PER_NODE_MAX),
});
const heartbeat = object({ kind: literal("heartbeat") });
/** In the swarm and waiting for `go`, with this many links open; sent when all are, or not all in time. */
const stageReady = object({
  kind: literal("stage-ready"),
  generation,
  release: releaseRefSchema,
  links: integer(0, LINKS_TOLD_MAX),
});
const transfer = {
  generation,
  release: releaseRefSchema,
  verifiedBytes: byteCount,
  /** Payload received for this release, duplicates and bad pieces included. */
  receivedBytes: byteCount,
  uploadedBytes: byteCount,
};
const progress = object({ kind: literal("progress"), ...transfer, receiveBytesPerSecond: real(0, 1e12) });
/** Every piece and the whole SHA-256 hold. */
const verified = object({ kind: literal("verified"), ...transfer });
/** Verified and unpacked: ready to go live. */
const staged = object({ kind: literal("staged"), ...transfer });
const stageFailed = object({
  kind: literal("stage-failed"),
  generation,
  release: releaseRefSchema,
  code: errorCode,
  message,
});
/** How far an activation has come, for people who watch. */
const activating = object({
  kind: literal("activating"),
  generation,
  step: literal("stopping", "switching", "starting", "probing", "restoring"),
});
const activated = object({
  kind: literal("activated"),
  generation,
  app: appNameSchema,
  live: nullable(releaseRefSchema),
  outcome: outcomeSchema,
});

export const nodeMessageSchema = union({
  hello,
  heartbeat,
  "stage-ready": stageReady,
  progress,
  verified,
  staged,
  "stage-failed": stageFailed,
  activating,
  activated,
  offender: offenderSchema,
  inspection: inspectionSchema,
});
export type NodeMessage = Infer<typeof nodeMessageSchema>;
export type Hello = Infer<typeof hello>;
export type StageOrder = Infer<typeof stage>;
export type ActivationStep = Infer<typeof activating>["step"];

export const HELLO_SIGNATURE_CONTEXT = "fleet-hello-v1\n";
