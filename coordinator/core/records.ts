// What the coordinator remembers across a crash: one small record per thing, so that a change writes only what changed.
import { laneSchema, nodePhaseSchema, rolloutPhaseSchema } from "../../protocol/api.ts";
import {
  appNameSchema,
  type Millis,
  type NodeId,
  nodeIdSchema,
  nodeNameSchema,
  publicKeySchema,
  rolloutIdSchema,
} from "../../protocol/ids.ts";
import {
  APPS_PER_NODE_MAX,
  LOG_LINE_CHARS_MAX,
  LOG_TAIL_LINES_MAX,
  MESSAGE_CHARS_MAX,
  NODES_MAX,
  OFFENCE_ACCUSERS_MAX,
  OFFENCES_PER_RELEASE_MAX,
  OPERATOR_CHARS_MAX,
  PIECES_MAX,
  TORRENT_INFO_BYTES_MAX,
} from "../../protocol/limits.ts";
import {
  manifestSchema,
  type ReleaseRef,
  releaseRefSchema,
  signedManifestSchema,
} from "../../protocol/manifest.ts";
import { appStateSchema, labelsSchema, labelValueSchema } from "../../protocol/messages.ts";
import { faultSchema, sourceSchema } from "../../protocol/offence.ts";
import { fleetLimitsSchema } from "../../protocol/rates.ts";
import {
  flag,
  type Infer,
  integer,
  list,
  literal,
  nullable,
  object,
  type Schema,
  text,
} from "../../protocol/schema.ts";
import { strategySchema } from "../../protocol/strategy.ts";

const millis = integer(0);
const byteCount = integer(0);
const message = text({ max: MESSAGE_CHARS_MAX });
const code = text({ min: 1, max: 40 });

/** How many earlier stable releases an app remembers: what `fleet rollback` may step back through. */
export const STABLE_HISTORY_MAX = 10;

export const nodeRecordSchema = object({
  id: nodeIdSchema,
  publicKey: publicKeySchema,
  name: nodeNameSchema,
  labels: labelsSchema,
  agentVersion: text({ max: 64 }),
  /** Where other nodes reach its swarm port. */
  swarm: object({ host: text({ min: 1, max: 255 }), port: integer(1, 65_535) }),
  admittedAt: millis,
  lastSeenAt: millis,
  apps: list(appStateSchema, APPS_PER_NODE_MAX),
});
export type NodeRecord = Infer<typeof nodeRecordSchema>;

export const releaseRecordSchema = object({
  signed: signedManifestSchema,
  manifest: manifestSchema,
  /** The bencoded info dictionary in base64url. */
  torrentInfo: text({ min: 1, max: Math.ceil((TORRENT_INFO_BYTES_MAX * 4) / 3) }),
  publishedAt: millis,
  standing: literal("published", "stable", "bad"),
});
export type ReleaseRecord = Infer<typeof releaseRecordSchema>;

export const appRecordSchema = object({
  app: appNameSchema,
  /** Releases that finished a rollout, newest first; the first is what the fleet should run. */
  stable: list(releaseRefSchema, STABLE_HISTORY_MAX),
});
export type AppRecord = Infer<typeof appRecordSchema>;

/** A release on its way to nodes. All its stage orders carry this one generation. */
export const swarmRecordSchema = object({
  release: releaseRefSchema,
  generation: integer(1),
  startedAt: millis,
  /** When its members were told to ask for pieces; null while they open their links. */
  goAt: nullable(millis),
  /** Since when its members may ask for pieces: GO, or the end of the last pause; null while they may not. */
  flowsSince: nullable(millis),
  /** Its members have been told to ask for nothing. */
  paused: nullable(flag),
  /** Rank the next member gets; ranks are never given twice. */
  nextRank: integer(0, NODES_MAX),
  /** The members of the first so many ranks began together. */
  firstCount: nullable(integer(1, NODES_MAX)),
});
export type SwarmRecord = Infer<typeof swarmRecordSchema>;

export const swarmMemberRecordSchema = object({
  nodeId: nodeIdSchema,
  release: releaseRefSchema,
  rank: integer(0, NODES_MAX),
  /** Its label `zone` when it joined; null without one. */
  zone: nullable(labelValueSchema),
  state: literal("staging", "verified", "staged", "failed"),
  /** When it was told to ask for pieces; before that, when it was told to open its links. */
  goAt: millis,
  verifiedAt: nullable(millis),
  receivedBytes: byteCount,
  uploadedBytes: byteCount,
  code: nullable(code),
  message: nullable(message),
});
export type SwarmMemberRecord = Infer<typeof swarmMemberRecordSchema>;

export function newMember(
  release: ReleaseRef,
  nodeId: NodeId,
  place: { rank: number; zone: string | null; now: Millis },
): SwarmMemberRecord {
  return {
    nodeId,
    release,
    rank: place.rank,
    zone: place.zone,
    state: "staging",
    goAt: place.now,
    verifiedAt: null,
    receivedBytes: 0,
    uploadedBytes: 0,
    code: null,
    message: null,
  };
}

export const rolloutRecordSchema = object({
  id: rolloutIdSchema,
  release: releaseRefSchema,
  lane: laneSchema,
  phase: rolloutPhaseSchema,
  strategy: strategySchema,
  startedAt: millis,
  finishedAt: nullable(millis),
  artifactBytes: byteCount,
  originUploadedBytes: byteCount,
  /** Sizes of the waves; empty until staging is done. Which node is in which wave stands with the node. */
  waves: list(integer(1), NODES_MAX),
  wave: nullable(integer(0)),
  /** An operator asked to stop and go back. */
  cancelled: flag,
  /** The operator who paused it; null while it goes on. */
  pausedBy: nullable(text({ max: OPERATOR_CHARS_MAX })),
  /** End of the last pause: absences are judged from then on. */
  resumedAt: nullable(millis),
  code: nullable(code),
  message: nullable(message),
});
export type RolloutRecord = Infer<typeof rolloutRecordSchema>;

export const rolloutNodeRecordSchema = object({
  rolloutId: rolloutIdSchema,
  nodeId: nodeIdSchema,
  phase: nodePhaseSchema,
  wave: nullable(integer(0)),
  /** Generation and time of the newest activation or rollback order of this rollout to this node. */
  generation: nullable(integer(1)),
  orderedAt: nullable(millis),
  /** What was live before this rollout touched the node; null before that, or when nothing was. */
  previous: nullable(releaseRefSchema),
  /** From GO to verified. */
  millisToVerified: nullable(integer(0)),
  receivedBytes: byteCount,
  uploadedBytes: byteCount,
  code: nullable(code),
  message: nullable(message),
  logTail: list(text({ max: LOG_LINE_CHARS_MAX }), LOG_TAIL_LINES_MAX),
});
export type RolloutNodeRecord = Infer<typeof rolloutNodeRecordSchema>;

/** What is held against whom in one release. Kept as long as the release, so that nothing is told twice. */
export const offencesRecordSchema = object({
  release: releaseRefSchema,
  offences: list(
    object({
      source: sourceSchema,
      fault: faultSchema,
      piece: nullable(integer(0, PIECES_MAX - 1)),
      firstAt: millis,
      /** Node ids, or `origin` when the coordinator's own seeder noticed it. */
      accusers: list(text({ min: 1, max: 32 }), OFFENCE_ACCUSERS_MAX, 1),
    }),
    OFFENCES_PER_RELEASE_MAX,
  ),
});
export type OffencesRecord = Infer<typeof offencesRecordSchema>;

export const countersRecordSchema = object({
  /** Highest numbers given out so far. Saved in the same transaction as what uses them, so none is given twice. */
  generation: integer(0),
  rollout: integer(0),
  event: integer(0),
});
export type CountersRecord = Infer<typeof countersRecordSchema>;

/** What the operator has set for the whole fleet; there is one. */
export const limitsRecordSchema = object({
  limits: fleetLimitsSchema,
  setBy: nullable(text({ max: OPERATOR_CHARS_MAX })),
  setAt: nullable(millis),
});
export type LimitsRecord = Infer<typeof limitsRecordSchema>;

export interface RecordTypes {
  readonly node: NodeRecord;
  readonly release: ReleaseRecord;
  readonly app: AppRecord;
  readonly swarm: SwarmRecord;
  readonly "swarm-member": SwarmMemberRecord;
  readonly rollout: RolloutRecord;
  readonly "rollout-node": RolloutNodeRecord;
  readonly offences: OffencesRecord;
  readonly counters: CountersRecord;
  readonly limits: LimitsRecord;
}
export type RecordKind = keyof RecordTypes;

export const RECORD_SCHEMAS: { readonly [K in RecordKind]: Schema<RecordTypes[K]> } = {
  node: nodeRecordSchema,
  release: releaseRecordSchema,
  app: appRecordSchema,
  swarm: swarmRecordSchema,
  "swarm-member": swarmMemberRecordSchema,
  rollout: rolloutRecordSchema,
  "rollout-node": rolloutNodeRecordSchema,
  offences: offencesRecordSchema,
  counters: countersRecordSchema,
  limits: limitsRecordSchema,
};

/** One row to write; a null body deletes it. */
export interface SavedRecord {
  readonly kind: RecordKind;
  readonly key: string;
  readonly body: RecordTypes[RecordKind] | null;
}
