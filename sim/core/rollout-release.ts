// The two made-up releases of a simulated rollout, and the made-up identity of its nodes. Nothing here is ever
// unpacked, signed or connected to; it only has to be what the cores expect.
import {
  appNameSchema,
  digestSchema,
  infoHashSchema,
  type NodeId,
  nodeIdSchema,
  publicKeySchema,
  versionSchema,
} from "../../protocol/ids.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { Manifest, ReleaseRef } from "../../protocol/manifest.ts";
import type { Hello } from "../../protocol/messages.ts";
import type { ActivationTimes } from "./rollout-scenario.ts";

export const SIM_APP = appNameSchema.decode("app", "app");
export const SIM_PUBLIC_KEY = publicKeySchema.decode("A".repeat(43), "public key");
export const SIM_SIGNATURE = "A".repeat(86);
export const PROBE_URL = "http://127.0.0.1:8080/health";

export interface SimReleases {
  /** Live and healthy everywhere when the rollout begins. */
  readonly before: Manifest;
  readonly next: Manifest;
}

export function simReleases(activation: ActivationTimes): SimReleases {
  return { before: manifestOf(1, activation), next: manifestOf(2, activation) };
}

export function simNodeId(index: number): NodeId {
  return nodeIdSchema.decode(index.toString(16).padStart(32, "0"), "node id");
}

/** Sorts as its index does among `nodeCount` names. */
export function simNodeName(index: number, nodeCount: number): string {
  return `node-${String(index + 1).padStart(String(nodeCount).length, "0")}`;
}

export function simHello(name: string, live: ReleaseRef, installed: readonly ReleaseRef[]): Hello {
  return {
    kind: "hello",
    protocol: PROTOCOL_VERSION,
    publicKey: SIM_PUBLIC_KEY,
    signature: new Uint8Array(64),
    joinToken: null,
    name,
    labels: {},
    agentVersion: "sim",
    swarm: { host: null, port: 7_701 },
    apps: [{ app: SIM_APP, live, installed, lastOrder: null }],
  };
}

function manifestOf(sequence: number, activation: ActivationTimes): Manifest {
  const hook = (verb: string) => ({ argv: [verb], timeoutMs: activation.hookTimeoutMs });
  const length = 1;
  return {
    format: 1,
    app: SIM_APP,
    version: versionSchema.decode(`v${sequence}`, "version"),
    sequence,
    artifact: {
      length,
      sha256: digestSchema.decode(String(sequence).repeat(64), "sha256"),
      infoHash: infoHashSchema.decode(String(sequence).repeat(40), "infohash"),
      pieceLength: 65_536,
      compression: "none",
      unpackedLength: length,
      entryCount: 1,
    },
    hooks: { preActivate: hook("stop"), postActivate: hook("start") },
    health: { ...activation.health, probes: [{ kind: "http", url: PROBE_URL, expectStatus: 200 }] },
    createdAt: 0,
  };
}
