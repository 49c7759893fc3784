// The coordinator's state as the HTTP interface shows it. Reads only.
import {
  type NodeView,
  type ReleaseView,
  ROLLOUT_TERMINAL_PHASES,
  type RolloutNodeView,
  type RolloutView,
  type StatusView,
} from "../../protocol/api.ts";
import type { AppName, Version } from "../../protocol/ids.ts";
import { offenceViews } from "./offences.ts";
import type { NodeRecord, ReleaseRecord, RolloutNodeRecord, RolloutRecord } from "./records.ts";
import { type FleetState, memberKey } from "./state.ts";

/** Rollouts that a status answer carries: the running ones and the latest ended ones. */
const STATUS_ROLLOUTS_MAX = 20;

export function nodeView(state: FleetState, node: NodeRecord): NodeView {
  return {
    id: node.id,
    name: node.name,
    labels: node.labels,
    online: state.isOnline(node.id),
    lastSeenAt: node.lastSeenAt,
    agentVersion: node.agentVersion,
    address: `${node.swarm.host}:${node.swarm.port}`,
    apps: node.apps.map((app) => ({
      app: app.app,
      live: app.live?.version ?? null,
      installed: app.installed.map((release) => release.version),
    })),
  };
}

export function releaseView(release: ReleaseRecord): ReleaseView {
  return {
    manifest: release.manifest,
    publishedAt: release.publishedAt,
    signedBy: release.signed.signatures.map(({ publicKey }) => publicKey),
    standing: release.standing,
  };
}

export function rolloutView(
  state: FleetState,
  rollout: RolloutRecord,
  waiting: readonly string[],
): RolloutView {
  const { release, wave, waves, code, message } = rollout;
  const { id, lane, phase, strategy, startedAt, finishedAt, artifactBytes, originUploadedBytes } = rollout;
  const nodes = [...state.nodesOf(id).values()].map((node) => rolloutNodeView(state, rollout, node));
  nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    ...{ id, app: release.app, version: release.version, sha256: release.sha256, lane, phase, strategy },
    ...{
      startedAt,
      finishedAt,
      artifactBytes,
      originUploadedBytes,
      waves,
      wave,
      waiting,
      pausedBy: rollout.pausedBy,
      nodes,
      offences: offenceViews(state, release),
      code,
      message,
    },
  };
}

export function statusView(
  state: FleetState,
  coordinatorVersion: string,
  waitingOf: (rollout: RolloutRecord) => readonly string[],
): StatusView {
  const online = [...state.nodes.values()].filter((node) => state.isOnline(node.id));
  const rollouts = [...state.rollouts.values()].toSorted(runningThenLatest).slice(0, STATUS_ROLLOUTS_MAX);
  return {
    coordinatorVersion,
    nodesOnline: online.length,
    nodesTotal: state.nodes.size,
    apps: appNames(state).map((app) => ({
      app,
      stable: state.apps.get(app)?.stable[0]?.version ?? null,
      live: countLive(online, app),
    })),
    rollouts: rollouts.map((rollout) => rolloutView(state, rollout, waitingOf(rollout))),
  };
}

function rolloutNodeView(
  state: FleetState,
  rollout: RolloutRecord,
  node: RolloutNodeRecord,
): RolloutNodeView {
  const transfer = state.transfers.get(memberKey(rollout.release, node.nodeId));
  const isVerified = node.millisToVerified !== null;
  const { phase, wave, code, message, logTail } = node;
  return {
    id: node.nodeId,
    name: state.nodeName(node.nodeId),
    online: state.isOnline(node.nodeId),
    ...{ phase, wave, code, message, logTail },
    step: phase === "activating" || phase === "rolling-back" ? (state.steps.get(node.nodeId) ?? null) : null,
    seconds: node.millisToVerified === null ? null : node.millisToVerified / 1000,
    verifiedBytes: isVerified ? rollout.artifactBytes : (transfer?.verifiedBytes ?? 0),
    receivedBytes: Math.max(node.receivedBytes, transfer?.receivedBytes ?? 0),
    uploadedBytes: Math.max(node.uploadedBytes, transfer?.uploadedBytes ?? 0),
    receiveBytesPerSecond: isVerified ? 0 : (transfer?.receiveBytesPerSecond ?? 0),
  };
}

function appNames(state: FleetState): readonly AppName[] {
  const published = [...state.releases.values()].map((release) => release.manifest.app);
  return [...new Set([...published, ...state.apps.keys()])].toSorted();
}

function countLive(nodes: readonly NodeRecord[], app: AppName): StatusView["apps"][number]["live"] {
  const counts = new Map<Version | null, number>();
  for (const node of nodes) {
    const version = node.apps.find((state) => state.app === app)?.live?.version ?? null;
    counts.set(version, (counts.get(version) ?? 0) + 1);
  }
  return [...counts]
    .map(([version, count]) => ({ version, nodes: count }))
    .toSorted((a, b) => b.nodes - a.nodes);
}

function runningThenLatest(a: RolloutRecord, b: RolloutRecord): number {
  const aRuns = ROLLOUT_TERMINAL_PHASES.includes(a.phase) ? 0 : 1;
  const bRuns = ROLLOUT_TERMINAL_PHASES.includes(b.phase) ? 0 : 1;
  return bRuns - aRuns || b.startedAt - a.startedAt;
}
