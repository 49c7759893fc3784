// Views as a coordinator would answer them, small and complete; a test changes the part it is about.
import type {
  EventKind,
  FleetEvent,
  NodeView,
  ReleaseView,
  RolloutNodeView,
  RolloutView,
  StatusView,
} from "../../../protocol/api.ts";
import {
  appNameSchema,
  digestSchema,
  infoHashSchema,
  nodeIdSchema,
  rolloutIdSchema,
  versionSchema,
} from "../../../protocol/ids.ts";
import { DEFAULT_STRATEGY } from "../../../protocol/strategy.ts";

export const STARTED_AT = Date.UTC(2026, 0, 2, 3, 4, 5);
export const APP = appNameSchema.decode("shop", "app");
export const SHA256 = digestSchema.decode("ab".repeat(32), "sha256");
export const PUBLIC_KEY = "A".repeat(43);

export function version(text: string): RolloutView["version"] {
  return versionSchema.decode(text, "version");
}

export function rolloutNode(index: number, change: Partial<RolloutNodeView> = {}): RolloutNodeView {
  return {
    id: nodeIdSchema.decode(index.toString(16).padStart(32, "0"), "id"),
    name: `node-${index}`,
    online: true,
    phase: "staging",
    wave: null,
    step: null,
    seconds: null,
    verifiedBytes: 0,
    receivedBytes: 0,
    uploadedBytes: 0,
    receiveBytesPerSecond: 0,
    code: null,
    message: null,
    logTail: [],
    ...change,
  };
}

/** Nodes 1 to `count`, each changed by `change`. */
export function rolloutNodes(
  count: number,
  change: (index: number) => Partial<RolloutNodeView> = () => ({}),
): readonly RolloutNodeView[] {
  return Array.from({ length: count }, (_, index) => rolloutNode(index + 1, change(index + 1)));
}

export function rollout(change: Partial<RolloutView> = {}): RolloutView {
  return {
    id: rolloutIdSchema.decode("r7", "id"),
    app: APP,
    version: version("v42"),
    sha256: SHA256,
    lane: "release",
    phase: "staging",
    strategy: DEFAULT_STRATEGY,
    startedAt: STARTED_AT,
    finishedAt: null,
    artifactBytes: 100_000_000,
    originUploadedBytes: 0,
    waves: [],
    wave: null,
    waiting: [],
    pausedBy: null,
    nodes: [],
    offences: [],
    code: null,
    message: null,
    ...change,
  };
}

export function event(id: number, kind: EventKind, change: Partial<FleetEvent> = {}): FleetEvent {
  return {
    id,
    at: STARTED_AT + id * 100,
    kind,
    rolloutId: rolloutIdSchema.decode("r7", "id"),
    app: APP,
    version: version("v42"),
    node: null,
    message: "",
    ...change,
  };
}

export function release(text: string, change: Partial<ReleaseView> = {}): ReleaseView {
  return {
    manifest: {
      format: 1,
      app: APP,
      version: version(text),
      sequence: 1,
      artifact: {
        length: 100_000_000,
        sha256: SHA256,
        infoHash: infoHashSchema.decode("cd".repeat(20), "infohash"),
        pieceLength: 65_536,
        compression: "none",
        unpackedLength: 100_000_000,
        entryCount: 3,
      },
      hooks: { preActivate: null, postActivate: null },
      health: { probes: [], intervalMs: 2_000, timeoutMs: 2_000, successes: 3, startPeriodMs: 0 },
      createdAt: STARTED_AT,
    },
    publishedAt: STARTED_AT,
    signedBy: [PUBLIC_KEY],
    standing: "published",
    ...change,
  };
}

export function node(index: number, change: Partial<NodeView> = {}): NodeView {
  return {
    id: nodeIdSchema.decode(index.toString(16).padStart(32, "0"), "id"),
    name: `node-${index}`,
    labels: { zone: "a" },
    online: true,
    lastSeenAt: STARTED_AT,
    agentVersion: "0.1.0",
    address: `127.0.0.1:${7000 + index}`,
    apps: [{ app: APP, live: version("v41"), installed: [version("v41"), version("v40")] }],
    ...change,
  };
}

export function status(change: Partial<StatusView> = {}): StatusView {
  return {
    coordinatorVersion: "0.1.0",
    nodesOnline: 2,
    nodesTotal: 2,
    apps: [{ app: APP, stable: version("v41"), live: [{ version: version("v41"), nodes: 2 }] }],
    rollouts: [],
    ...change,
  };
}
