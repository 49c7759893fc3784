// The fleet's nodes: who is admitted, who is online, what each has installed and live. Knows nothing of rollouts.
import {
  type AppName,
  type Generation,
  type Millis,
  type NodeId,
  nodeNameSchema,
  type PublicKey,
} from "../../protocol/ids.ts";
import { APPS_PER_NODE_MAX, VERSIONS_PER_APP_MAX } from "../../protocol/limits.ts";
import { type ReleaseRef, sameRelease } from "../../protocol/manifest.ts";
import type { AppState, Hello, Outcome } from "../../protocol/messages.ts";
import type { NodeRecord } from "./records.ts";
import type { FleetState } from "./state.ts";

export interface Arrival {
  readonly nodeId: NodeId;
  readonly publicKey: PublicKey;
  readonly hello: Hello;
  readonly remoteHost: string;
  readonly localHost: string;
}

export class Registry {
  readonly #state: FleetState;

  constructor(state: FleetState) {
    this.#state = state;
  }

  arrive(arrival: Arrival, now: Millis): void {
    const { nodeId, publicKey, hello } = arrival;
    const known = this.#state.nodes.get(nodeId);
    const wasOnline = this.#state.isOnline(nodeId);
    this.#state.saveNode({
      id: nodeId,
      publicKey,
      name: nodeNameSchema.decode(hello.name, "hello.name"),
      labels: hello.labels,
      agentVersion: hello.agentVersion,
      swarm: { host: hello.swarm.host ?? arrival.remoteHost, port: hello.swarm.port },
      admittedAt: known?.admittedAt ?? now,
      lastSeenAt: now,
      apps: hello.apps,
    });
    this.#state.presence.set(nodeId, { online: true, since: now, localHost: arrival.localHost });
    if (known === undefined)
      this.#state.record(now, { kind: "node-joined", nodeId, message: "joined the fleet" });
    else if (!wasOnline) this.#state.record(now, { kind: "node-online", nodeId, message: "is back" });
  }

  leave(nodeId: NodeId, now: Millis): void {
    const node = this.#state.nodes.get(nodeId);
    const presence = this.#state.presence.get(nodeId);
    if (node === undefined || presence?.online !== true) return;
    this.#state.presence.set(nodeId, { ...presence, online: false, since: now });
    this.#state.steps.delete(nodeId);
    this.#state.saveNode({ ...node, lastSeenAt: now });
    this.#state.record(now, { kind: "node-offline", nodeId, message: "went offline" });
  }

  /** After a restart nobody is connected yet, and every node has a fresh grace to come back. */
  restore(now: Millis): void {
    for (const nodeId of this.#state.nodes.keys()) {
      this.#state.presence.set(nodeId, { online: false, since: now, localHost: "" });
    }
  }

  noteInstalled(nodeId: NodeId, release: ReleaseRef): void {
    this.#updateApp(nodeId, release.app, (app) => {
      const others = app.installed.filter((other) => !sameRelease(other, release));
      return { ...app, installed: [...others, release].slice(-VERSIONS_PER_APP_MAX) };
    });
  }

  noteOutcome(
    nodeId: NodeId,
    report: { app: AppName; generation: Generation; live: ReleaseRef | null; outcome: Outcome },
  ): void {
    const { app, generation, live, outcome } = report;
    this.#updateApp(nodeId, app, (state) => ({ ...state, live, lastOrder: { generation, outcome } }));
    this.#state.steps.delete(nodeId);
  }

  #updateApp(nodeId: NodeId, app: AppName, change: (app: AppState) => AppState): void {
    const node = this.#state.nodes.get(nodeId);
    if (node === undefined) return;
    const before = node.apps.find((state) => state.app === app) ?? {
      app,
      live: null,
      installed: [],
      lastOrder: null,
    };
    const others = node.apps.filter((state) => state.app !== app);
    const updated: NodeRecord = { ...node, apps: [...others, change(before)].slice(-APPS_PER_NODE_MAX) };
    this.#state.saveNode(updated);
  }
}
