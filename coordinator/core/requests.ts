// What an operator may ask for: publish, stage, release, go back. Each either changes the state or throws a
// FleetError and changes nothing.
import { type Lane, type LimitsRequest, ROLLOUT_TERMINAL_PHASES } from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import {
  type AppName,
  type Millis,
  type NodeId,
  type RolloutId,
  rolloutIdSchema,
  type Version,
} from "../../protocol/ids.ts";
import {
  encodeManifest,
  type Manifest,
  type ReleaseRef,
  releaseRefOf,
  sameRelease,
} from "../../protocol/manifest.ts";
import type { FleetLimits } from "../../protocol/rates.ts";
import { DEFAULT_STRATEGY, type Strategy } from "../../protocol/strategy.ts";
import type { ReleaseRecord, RolloutNodeRecord, RolloutRecord } from "./records.ts";
import { type FleetState, releaseKey } from "./state.ts";
import type { Swarms } from "./swarms.ts";

/** Registers a release. The same content again is no change; other content under the same version is refused. */
export function publish(
  state: FleetState,
  release: Omit<ReleaseRecord, "publishedAt" | "standing">,
  now: Millis,
): void {
  const { manifest } = release;
  const existing = state.releases.get(releaseKey(manifest.app, manifest.version));
  if (existing !== undefined) {
    if (sameContent(existing.manifest, manifest)) return;
    throw new FleetError(
      "release-conflict",
      `${manifest.app} ${manifest.version} is already published with other content`,
    );
  }
  state.saveRelease({ ...release, publishedAt: now, standing: "published" });
  const message = `${manifest.artifact.length} bytes, SHA-256 ${manifest.artifact.sha256.slice(0, 8)}`;
  state.record(now, { kind: "release-published", release: manifest, message });
}

export function startStage(
  state: FleetState,
  swarms: Swarms,
  request: { app: AppName; version: Version },
  now: Millis,
): RolloutId {
  const release = findRelease(state, request.app, request.version);
  return begin(
    state,
    swarms,
    { lane: "stage", release, strategy: DEFAULT_STRATEGY, targets: onlineNodes(state) },
    now,
  );
}

export function startRollout(
  state: FleetState,
  swarms: Swarms,
  request: { app: AppName; version: Version; strategy: Strategy },
  now: Millis,
): RolloutId {
  const release = findRelease(state, request.app, request.version);
  refuseWhileActive(state, request.app, now);
  return begin(
    state,
    swarms,
    { lane: "release", release, strategy: request.strategy, targets: onlineNodes(state) },
    now,
  );
}

/**
 * Goes back. While a rollout of the app runs, that rollout stops and undoes itself; otherwise a new one in the
 * rollback lane takes every online node to `version`, or to the stable release before the current one.
 */
export function startRollback(
  state: FleetState,
  swarms: Swarms,
  request: { app: AppName; version: Version | null },
  now: Millis,
): RolloutId {
  const active = activeRollout(state, request.app);
  if (active?.lane === "release" && request.version === null) {
    state.saveRollout({ ...active, cancelled: true });
    state.emit({ kind: "started", rolloutId: active.id });
    return active.id;
  }
  refuseWhileActive(state, request.app, now);
  const release =
    request.version === null
      ? previousStable(state, request.app)
      : findRelease(state, request.app, request.version);
  const targets = onlineNodes(state).filter(
    (nodeId) => !sameRelease(state.liveOn(nodeId, request.app), release),
  );
  if (targets.length === 0 && onlineNodes(state).length > 0) {
    throw new FleetError("no-previous", `every online node already runs ${release.app} ${release.version}`);
  }
  return begin(state, swarms, { lane: "rollback", release, strategy: DEFAULT_STRATEGY, targets }, now);
}

/** Sets all of the fleet's limits; null is without. */
export function setLimits(state: FleetState, request: LimitsRequest, now: Millis): void {
  const { by, limits } = request;
  state.saveLimits({ limits, setBy: by, setAt: now });
  state.record(now, {
    kind: "limits-set",
    message: `${limitsMessage(limits)}; set by ${by}`,
  });
}

export function activeRollout(state: FleetState, app: AppName): RolloutRecord | null {
  for (const rollout of state.rollouts.values()) {
    if (rollout.release.app !== app || rollout.lane === "stage") continue;
    if (!ROLLOUT_TERMINAL_PHASES.includes(rollout.phase)) return rollout;
  }
  return null;
}

interface Beginning {
  readonly lane: Lane;
  readonly release: ReleaseRef;
  readonly strategy: Strategy;
  readonly targets: readonly NodeId[];
}

function begin(state: FleetState, swarms: Swarms, beginning: Beginning, now: Millis): RolloutId {
  const { lane, release, strategy, targets } = beginning;
  if (targets.length === 0) throw new FleetError("no-nodes", noNodesMessage(state));
  const id = rolloutIdSchema.decode(`r${state.nextRolloutNumber()}`, "rollout id");
  const manifest = state.releases.get(releaseKey(release.app, release.version))?.manifest;
  const rollout: RolloutRecord = {
    ...{ id, release, lane, phase: "staging", strategy, startedAt: now, finishedAt: null },
    ...{ artifactBytes: manifest?.artifact.length ?? 0, originUploadedBytes: 0, waves: [], wave: null },
    ...{ cancelled: false, pausedBy: null, resumedAt: null, code: null, message: null },
  };
  state.saveRollout(rollout);
  for (const nodeId of targets) state.saveRolloutNode(newRolloutNode(id, nodeId));
  state.record(now, {
    kind: "rollout-started",
    rollout,
    release,
    message: startMessage(state, lane, targets.length),
  });
  swarms.join(release, targets, now);
  state.emit({ kind: "started", rolloutId: id });
  return id;
}

function newRolloutNode(rolloutId: RolloutId, nodeId: NodeId): RolloutNodeRecord {
  return {
    ...{ rolloutId, nodeId, phase: "staging", wave: null, generation: null, orderedAt: null, previous: null },
    ...{ millisToVerified: null, receivedBytes: 0, uploadedBytes: 0, code: null, message: null, logTail: [] },
  };
}

function findRelease(state: FleetState, app: AppName, version: Version): ReleaseRef {
  const record = state.releases.get(releaseKey(app, version));
  if (record === undefined)
    throw new FleetError("release-unknown", `${app} ${version} is not published here`);
  return releaseRefOf(record.manifest);
}

function previousStable(state: FleetState, app: AppName): ReleaseRef {
  const previous = state.apps.get(app)?.stable[1];
  if (previous === undefined)
    throw new FleetError("no-previous", `${app} has no earlier stable release to go back to`);
  return previous;
}

function refuseWhileActive(state: FleetState, app: AppName, now: Millis): void {
  const active = activeRollout(state, app);
  if (active === null) return;
  const seconds = Math.round((now - active.startedAt) / 1000);
  const what = `${active.lane} of ${app} ${active.release.version}`;
  throw new FleetError("rollout-active", `${active.id}, the ${what}, is ${active.phase} since ${seconds} s`);
}

function onlineNodes(state: FleetState): readonly NodeId[] {
  return [...state.nodes.keys()].filter((nodeId) => state.isOnline(nodeId));
}

function noNodesMessage(state: FleetState): string {
  return state.nodes.size === 0
    ? "no node has joined yet"
    : `none of the ${state.nodes.size} known nodes is online`;
}

function limitsMessage(limits: FleetLimits): string {
  const parts = [
    ["node upload", limits.nodeUploadBytesPerSecondMax],
    ["node download", limits.nodeDownloadBytesPerSecondMax],
    ["fleet", limits.fleetBytesPerSecondMax],
  ] as const;
  const set = parts.flatMap(([name, rate]) => (rate === null ? [] : `${name} ${rate} bytes/s`));
  return set.length === 0 ? "no limits" : set.join(", ");
}

function startMessage(state: FleetState, lane: Lane, targetCount: number): string {
  const away = state.nodes.size - onlineNodes(state).length;
  const left = away === 0 ? "" : `; ${away} offline and left out`;
  return `${lane} to ${targetCount} ${targetCount === 1 ? "node" : "nodes"}${left}`;
}

/** When and as which number it was published says nothing about what a node gets. */
function sameContent(a: Manifest, b: Manifest): boolean {
  return encodeManifest(a) === encodeManifest({ ...b, createdAt: a.createdAt, sequence: a.sequence });
}
