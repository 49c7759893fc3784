// The HTTP interface of the coordinator: bodies, answers and events, as the CLI, CI jobs and the dashboard see them.
import {
  appNameSchema,
  digestSchema,
  nodeIdSchema,
  nodeNameSchema,
  rolloutIdSchema,
  versionSchema,
} from "./ids.ts";
import {
  APPS_PER_NODE_MAX,
  LOG_LINE_CHARS_MAX,
  LOG_TAIL_LINES_MAX,
  MESSAGE_CHARS_MAX,
  NODES_MAX,
  OFFENCES_PER_RELEASE_MAX,
  OPERATOR_CHARS_MAX,
  TORRENT_INFO_BYTES_MAX,
  VERSIONS_PER_APP_MAX,
} from "./limits.ts";
import { manifestSchema, signedManifestSchema } from "./manifest.ts";
import { labelsSchema } from "./messages.ts";
import { offenceViewSchema } from "./offence.ts";
import { fleetLimitsSchema } from "./rates.ts";
import { flag, type Infer, integer, list, literal, nullable, object, real, text } from "./schema.ts";
import { strategySchema } from "./strategy.ts";

const millis = integer(0);
const byteCount = integer(0);
const message = text({ max: MESSAGE_CHARS_MAX });
const code = text({ min: 1, max: 40 });

const torrentInfo = text({
  min: 1,
  max: Math.ceil((TORRENT_INFO_BYTES_MAX * 4) / 3),
  pattern: /^[A-Za-z0-9_-]+$/,
});

/** POST /v1/releases: registers a release whose artifact has been uploaded with PUT /v1/artifacts/SHA256. */
export const publishRequestSchema = object({
  signed: signedManifestSchema,
  /** The bencoded info dictionary in base64url. */
  torrentInfo,
});
export type PublishRequest = Infer<typeof publishRequestSchema>;

/** POST /v1/stages */
export const stageRequestSchema = object({ app: appNameSchema, version: versionSchema });
export type StageRequest = Infer<typeof stageRequestSchema>;

/** POST /v1/rollouts */
export const rolloutRequestSchema = object({
  app: appNameSchema,
  version: versionSchema,
  strategy: strategySchema,
});
export type RolloutRequest = Infer<typeof rolloutRequestSchema>;

/** POST /v1/rollbacks. Without a version: the release that was stable before the current one. */
export const rollbackRequestSchema = object({ app: appNameSchema, version: nullable(versionSchema) });
export type RollbackRequest = Infer<typeof rollbackRequestSchema>;

/** POST /v1/rollouts/ID/pause and /resume. `by` is what people are told: a name that nobody has checked. */
export const pauseRequestSchema = object({ by: text({ min: 1, max: OPERATOR_CHARS_MAX }) });
export type PauseRequest = Infer<typeof pauseRequestSchema>;

/** PUT /v1/limits: all of them at once; null is without limit. */
export const limitsRequestSchema = object({
  limits: fleetLimitsSchema,
  by: text({ min: 1, max: OPERATOR_CHARS_MAX }),
});
export type LimitsRequest = Infer<typeof limitsRequestSchema>;

/** GET /v1/limits */
export const limitsViewSchema = object({
  limits: fleetLimitsSchema,
  setBy: nullable(text({ max: OPERATOR_CHARS_MAX })),
  setAt: nullable(millis),
  /** Nodes among which the fleet's rate is divided now. */
  nodesFetching: integer(0),
  /** How much of the fleet's rate may flow now: less than all of it during the ramp; null without a fleet's rate. */
  allowedBytesPerSecond: nullable(integer(0)),
});
export type LimitsView = Infer<typeof limitsViewSchema>;

export const releaseViewSchema = object({
  manifest: manifestSchema,
  publishedAt: millis,
  signedBy: list(text({ max: 43 }), 8),
  /** `stable`: the last release of its app that a rollout finished with. `bad`: one was rolled back. */
  standing: literal("published", "stable", "bad"),
});
export type ReleaseView = Infer<typeof releaseViewSchema>;

/** GET /v1/releases/APP/VERSION/torrent: what BitTorrent clients need to take part. */
export const torrentAnswerSchema = object({
  /** The bencoded info dictionary in base64url. */
  torrentInfo,
});
export type TorrentAnswer = Infer<typeof torrentAnswerSchema>;

export const nodeViewSchema = object({
  id: nodeIdSchema,
  name: nodeNameSchema,
  labels: labelsSchema,
  online: flag,
  lastSeenAt: millis,
  agentVersion: text({ max: 64 }),
  address: text({ max: 300 }),
  apps: list(
    object({
      app: appNameSchema,
      live: nullable(versionSchema),
      installed: list(versionSchema, VERSIONS_PER_APP_MAX),
    }),
    APPS_PER_NODE_MAX,
  ),
});
export type NodeView = Infer<typeof nodeViewSchema>;

export const nodePhaseSchema = literal(
  "pending", // no order sent yet
  "staging", // fetching, verifying or unpacking
  "verified", // all bytes are there and right
  "staged", // unpacked, ready to go live
  "stage-failed",
  "activating", // order sent, not yet known healthy
  "healthy", // this release is live and its probes pass
  "failed", // did not become healthy; the node restored what it had
  "lost", // silent after an activation order
  "deferred", // went away before it was touched; not part of the rollout any more
  "rolling-back",
  "rolled-back",
  "rollback-failed",
);
export type NodePhase = Infer<typeof nodePhaseSchema>;

export const rolloutPhaseSchema = literal(
  "staging",
  "activating",
  "rolling-back",
  "succeeded",
  "failed", // ended before anything was activated
  "rolled-back",
  "rollback-incomplete",
);
export type RolloutPhase = Infer<typeof rolloutPhaseSchema>;

export const rolloutNodeViewSchema = object({
  id: nodeIdSchema,
  name: nodeNameSchema,
  online: flag,
  phase: nodePhaseSchema,
  /** Index of the wave it is activated in; null until planned. */
  wave: nullable(integer(0)),
  /** What an activating node does right now. */
  step: nullable(text({ max: 20 })),
  /** From GO to verified. */
  seconds: nullable(real(0, 1e9)),
  verifiedBytes: byteCount,
  receivedBytes: byteCount,
  uploadedBytes: byteCount,
  receiveBytesPerSecond: real(0, 1e12),
  code: nullable(code),
  message: nullable(message),
  logTail: list(text({ max: LOG_LINE_CHARS_MAX }), LOG_TAIL_LINES_MAX),
});
export type RolloutNodeView = Infer<typeof rolloutNodeViewSchema>;

/** `stage` only fetches; `release` activates in waves; `rollback` goes back to a release without canary. */
export const laneSchema = literal("stage", "release", "rollback");
export type Lane = Infer<typeof laneSchema>;

export const rolloutViewSchema = object({
  id: rolloutIdSchema,
  app: appNameSchema,
  version: versionSchema,
  sha256: digestSchema,
  lane: laneSchema,
  phase: rolloutPhaseSchema,
  strategy: strategySchema,
  startedAt: millis,
  finishedAt: nullable(millis),
  artifactBytes: byteCount,
  /** Payload the coordinator's own seeder has sent for this release since this rollout's GO. */
  originUploadedBytes: byteCount,
  /** Sizes of the waves, canary first; empty until staging is done. */
  waves: list(integer(1), NODES_MAX),
  /** Wave being activated; null before the first. */
  wave: nullable(integer(0)),
  /** Why nothing more happens right now, in plain words. */
  waiting: list(message, 16),
  /** Who paused it; null while it goes on. */
  pausedBy: nullable(text({ max: OPERATOR_CHARS_MAX })),
  nodes: list(rolloutNodeViewSchema, NODES_MAX),
  /** What nodes hold against those they exchange the pieces of this release with. */
  offences: list(offenceViewSchema, OFFENCES_PER_RELEASE_MAX),
  /** Set when the rollout ended other than in success. */
  code: nullable(code),
  message: nullable(message),
});
export type RolloutView = Infer<typeof rolloutViewSchema>;

/** GET /v1/status */
export const statusViewSchema = object({
  coordinatorVersion: text({ max: 64 }),
  nodesOnline: integer(0),
  nodesTotal: integer(0),
  apps: list(
    object({
      app: appNameSchema,
      stable: nullable(versionSchema),
      /** How many nodes have which version live. */
      live: list(object({ version: nullable(versionSchema), nodes: integer(0) }), 1_000),
    }),
    1_000,
  ),
  /** Running rollouts first, then the latest ended ones. */
  rollouts: list(rolloutViewSchema, 20),
});
export type StatusView = Infer<typeof statusViewSchema>;

export const eventKindSchema = literal(
  "release-published",
  "rollout-started",
  "stage-go",
  "rollout-paused",
  "rollout-resumed",
  "node-verified",
  "node-staged",
  "node-stage-failed",
  "offender-named",
  "stage-finished",
  "wave-started",
  "node-activating",
  "node-healthy",
  "node-failed",
  "node-lost",
  "node-deferred",
  "wave-finished",
  "rollback-started",
  "node-rolled-back",
  "node-rollback-failed",
  "rollout-finished",
  "limits-set",
  "node-joined",
  "node-online",
  "node-offline",
);
export type EventKind = Infer<typeof eventKindSchema>;

/** One line of the fleet's history, also what a watching CLI prints off a terminal. */
export const fleetEventSchema = object({
  /** Grows by one per event; ask for events after it to continue. */
  id: integer(1),
  at: millis,
  kind: eventKindSchema,
  rolloutId: nullable(rolloutIdSchema),
  app: nullable(appNameSchema),
  version: nullable(versionSchema),
  /** Node name. */
  node: nullable(nodeNameSchema),
  message,
});
export type FleetEvent = Infer<typeof fleetEventSchema>;

/** What GET /v1/rollouts/ID/watch streams as Server-Sent Events: `event: rollout` and `event: history`. */
export type WatchItem =
  | { readonly kind: "rollout"; readonly rollout: RolloutView }
  | { readonly kind: "history"; readonly event: FleetEvent };

export const errorBodySchema = object({ error: object({ code, message, next: message }) });
export type ErrorBody = Infer<typeof errorBodySchema>;

export const nodesAnswerSchema = object({ nodes: list(nodeViewSchema, NODES_MAX) });
export const releasesAnswerSchema = object({ releases: list(releaseViewSchema, 10_000) });

export const ROLLOUT_TERMINAL_PHASES: readonly RolloutPhase[] = [
  "succeeded",
  "failed",
  "rolled-back",
  "rollback-incomplete",
];
