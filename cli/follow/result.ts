// What a followed rollout came to, as one object: the last line under --json, and the source of the summaries. Pure.
import {
  nodePhaseSchema,
  type RolloutView,
  rolloutPhaseSchema,
  rolloutViewSchema,
} from "../../protocol/api.ts";
import {
  appNameSchema,
  digestSchema,
  nodeIdSchema,
  rolloutIdSchema,
  versionSchema,
} from "../../protocol/ids.ts";
import { NODES_MAX } from "../../protocol/limits.ts";
import {
  type Infer,
  integer,
  list,
  literal,
  nullable,
  object,
  real,
  type Schema,
  text,
} from "../../protocol/schema.ts";
import { type FluidRates, fluidBoundSeconds } from "./fluid-bound.ts";

const seconds = real(0, 1e9);
const message = nullable(text({ max: 1_000 }));

export const stageResultSchema = object({
  kind: literal("stage-result"),
  rolloutId: rolloutIdSchema,
  app: appNameSchema,
  version: versionSchema,
  sha256: digestSchema,
  phase: rolloutPhaseSchema,
  artifactBytes: integer(0),
  nodes: list(
    object({
      id: nodeIdSchema,
      name: text({ max: 64 }),
      phase: nodePhaseSchema,
      /** From GO to verified; null for a node that never had all bytes. */
      seconds: nullable(seconds),
      verifiedBytes: integer(0),
      receivedBytes: integer(0),
      uploadedBytes: integer(0),
      code: nullable(text({ max: 40 })),
      message,
    }),
    NODES_MAX,
  ),
  /** Of the nodes' seconds; null when no node has verified the release. Percentiles by nearest rank. */
  minSeconds: nullable(seconds),
  p50Seconds: nullable(seconds),
  p95Seconds: nullable(seconds),
  lastSeconds: nullable(seconds),
  /** Payload that all nodes received, duplicates included, and how often the artifact's size fits into it. */
  receivedBytes: integer(0),
  receivedBytesOverSize: real(0, 1e9),
  originUploadedBytes: integer(0),
  /** How many times its size the coordinator sent: 1 is the least there can be. */
  originBytesOverSize: real(0, 1e9),
  /** The least time the given link rates allow; null when no rates were given. */
  boundSeconds: nullable(seconds),
  code: nullable(text({ max: 40 })),
  message,
});
export type StageResult = Infer<typeof stageResultSchema>;

/** The last view, and how long it took by the coordinator's clock. */
export type RolloutResult = RolloutView & {
  readonly kind: "rollout-result";
  readonly elapsedSeconds: number;
};

const rolloutResultHead = object({ kind: literal("rollout-result"), elapsedSeconds: seconds });
export const rolloutResultSchema: Schema<RolloutResult> = {
  decode: (value, path) => ({
    ...rolloutViewSchema.decode(value, path),
    ...rolloutResultHead.decode(value, path),
  }),
  json: { allOf: [rolloutResultHead.json, rolloutViewSchema.json] },
};

export function rolloutResultOf(rollout: RolloutView): RolloutResult {
  return { kind: "rollout-result", elapsedSeconds: elapsedSecondsOf(rollout), ...rollout };
}

/** From the start to the end; 0 for one that has not ended. */
export function elapsedSecondsOf(rollout: RolloutView): number {
  return Math.max(0, (rollout.finishedAt ?? rollout.startedAt) - rollout.startedAt) / 1000;
}

export function stageResultOf(rollout: RolloutView, rates: FluidRates | null): StageResult {
  const { artifactBytes, originUploadedBytes } = rollout;
  const sorted = rollout.nodes.flatMap((node) => node.seconds ?? []).toSorted((a, b) => a - b);
  const receivedBytes = rollout.nodes.reduce((sum, node) => sum + node.receivedBytes, 0);
  return {
    kind: "stage-result",
    rolloutId: rollout.id,
    ...{
      app: rollout.app,
      version: rollout.version,
      sha256: rollout.sha256,
      phase: rollout.phase,
      artifactBytes,
    },
    nodes: rollout.nodes.map(
      ({ id, name, phase, seconds, verifiedBytes, receivedBytes, uploadedBytes, code, message }) => ({
        ...{ id, name, phase, seconds, verifiedBytes, receivedBytes, uploadedBytes, code, message },
      }),
    ),
    minSeconds: sorted[0] ?? null,
    p50Seconds: percentile(sorted, 0.5),
    p95Seconds: percentile(sorted, 0.95),
    lastSeconds: sorted.at(-1) ?? null,
    receivedBytes,
    receivedBytesOverSize: ratio(receivedBytes, artifactBytes),
    originUploadedBytes,
    originBytesOverSize: ratio(originUploadedBytes, artifactBytes),
    boundSeconds: rates === null ? null : fluidBoundSeconds(artifactBytes, rollout.nodes.length, rates),
    code: rollout.code,
    message: rollout.message,
  };
}

/** Nearest rank: the smallest value that at least this share of all values does not exceed. Null for no values. */
export function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
