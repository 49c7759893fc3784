// Everything the coordinator knows, in maps, with the saves and effects that one event has caused so far.
// Holds no rules: those are in registry, swarms, planner and rollouts.
import type { EventKind, FleetEvent } from "../../protocol/api.ts";
import type { AppName, Generation, Millis, NodeId, RolloutId, Version } from "../../protocol/ids.ts";
import { MESSAGE_CHARS_MAX } from "../../protocol/limits.ts";
import type { ReleaseRef } from "../../protocol/manifest.ts";
import { NO_FLEET_LIMITS } from "../../protocol/rates.ts";
import type { CoordinatorEffect } from "./events.ts";
import type {
  AppRecord,
  CountersRecord,
  LimitsRecord,
  NodeRecord,
  OffencesRecord,
  RecordKind,
  RecordTypes,
  ReleaseRecord,
  RolloutNodeRecord,
  RolloutRecord,
  SavedRecord,
  SwarmMemberRecord,
  SwarmRecord,
} from "./records.ts";

/** What is known of a node only while the coordinator runs. */
export interface Presence {
  readonly online: boolean;
  /** When it came or went; after a restart of the coordinator, the time of the restart. */
  readonly since: Millis;
  /** Address of ours that the node's connection reaches; where it finds the origin too. */
  readonly localHost: string;
}

/** Transfer figures between two saves; only the last ones of a stage are worth a write. */
export interface LiveTransfer {
  readonly verifiedBytes: number;
  readonly receivedBytes: number;
  readonly uploadedBytes: number;
  readonly receiveBytesPerSecond: number;
  /** When verifiedBytes last grew: what a stall is measured from. */
  readonly progressAt: Millis;
  /** When the node last told these figures; null while it has told none. */
  readonly toldAt: Millis | null;
}

export class FleetState {
  readonly nodes = new Map<NodeId, NodeRecord>();
  readonly presence = new Map<NodeId, Presence>();
  readonly releases = new Map<string, ReleaseRecord>();
  readonly apps = new Map<AppName, AppRecord>();
  readonly swarms = new Map<string, SwarmRecord>();
  readonly members = new Map<string, Map<NodeId, SwarmMemberRecord>>();
  readonly transfers = new Map<string, LiveTransfer>();
  readonly rollouts = new Map<RolloutId, RolloutRecord>();
  readonly rolloutNodes = new Map<RolloutId, Map<NodeId, RolloutNodeRecord>>();
  /** By release, as its key. */
  readonly offences = new Map<string, OffencesRecord>();
  /** Step of each activating node, for people who watch. */
  readonly steps = new Map<NodeId, string>();
  limits: LimitsRecord = { limits: NO_FLEET_LIMITS, setBy: null, setAt: null };
  counters: CountersRecord = { generation: 0, rollout: 0, event: 0 };
  #effects: CoordinatorEffect[] = [];

  constructor(records: readonly SavedRecord[]) {
    for (const record of records) this.#load(record);
  }

  /** Hands over what has been asked for since the last call. */
  takeEffects(): readonly CoordinatorEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  emit(effect: CoordinatorEffect): void {
    this.#effects.push(effect);
  }

  nextGeneration(): Generation {
    this.#saveCounters({ ...this.counters, generation: this.counters.generation + 1 });
    return this.counters.generation;
  }

  nextRolloutNumber(): number {
    this.#saveCounters({ ...this.counters, rollout: this.counters.rollout + 1 });
    return this.counters.rollout;
  }

  /** Adds a line to the fleet's history. */
  record(now: Millis, event: HistoryLine): void {
    this.#saveCounters({ ...this.counters, event: this.counters.event + 1 });
    const line: FleetEvent = {
      id: this.counters.event,
      at: now,
      kind: event.kind,
      rolloutId: event.rollout?.id ?? null,
      app: event.release?.app ?? null,
      version: event.release?.version ?? null,
      node: event.nodeId === undefined ? null : this.nodeName(event.nodeId),
      message: event.message.slice(0, MESSAGE_CHARS_MAX),
    };
    this.emit({ kind: "history", event: line });
  }

  saveLimits(limits: LimitsRecord): void {
    this.limits = limits;
    this.#save("limits", "limits", limits);
  }

  saveNode(node: NodeRecord): void {
    this.nodes.set(node.id, node);
    this.#save("node", node.id, node);
  }

  saveRelease(release: ReleaseRecord): void {
    const key = releaseKey(release.manifest.app, release.manifest.version);
    this.releases.set(key, release);
    this.#save("release", key, release);
  }

  saveApp(app: AppRecord): void {
    this.apps.set(app.app, app);
    this.#save("app", app.app, app);
  }

  saveSwarm(swarm: SwarmRecord): void {
    const key = swarmKey(swarm.release);
    this.swarms.set(key, swarm);
    this.#save("swarm", key, swarm);
  }

  deleteSwarm(release: ReleaseRef): void {
    const key = swarmKey(release);
    for (const nodeId of this.membersOf(release).keys()) this.deleteMember(release, nodeId);
    this.members.delete(key);
    this.swarms.delete(key);
    this.#save("swarm", key, null);
  }

  saveMember(member: SwarmMemberRecord): void {
    const key = swarmKey(member.release);
    const members = this.members.get(key) ?? new Map<NodeId, SwarmMemberRecord>();
    members.set(member.nodeId, member);
    this.members.set(key, members);
    this.#save("swarm-member", memberKey(member.release, member.nodeId), member);
  }

  deleteMember(release: ReleaseRef, nodeId: NodeId): void {
    this.members.get(swarmKey(release))?.delete(nodeId);
    this.transfers.delete(memberKey(release, nodeId));
    this.#save("swarm-member", memberKey(release, nodeId), null);
  }

  saveRollout(rollout: RolloutRecord): void {
    this.rollouts.set(rollout.id, rollout);
    this.#save("rollout", rollout.id, rollout);
    this.emit({ kind: "rollout-changed", rolloutId: rollout.id });
  }

  saveRolloutNode(node: RolloutNodeRecord): void {
    const nodes = this.rolloutNodes.get(node.rolloutId) ?? new Map<NodeId, RolloutNodeRecord>();
    nodes.set(node.nodeId, node);
    this.rolloutNodes.set(node.rolloutId, nodes);
    this.#save("rollout-node", `${node.rolloutId}/${node.nodeId}`, node);
    this.emit({ kind: "rollout-changed", rolloutId: node.rolloutId });
  }

  saveOffences(offences: OffencesRecord): void {
    const key = swarmKey(offences.release);
    this.offences.set(key, offences);
    this.#save("offences", key, offences);
  }

  deleteRollout(id: RolloutId): void {
    for (const nodeId of this.rolloutNodes.get(id)?.keys() ?? [])
      this.#save("rollout-node", `${id}/${nodeId}`, null);
    this.rolloutNodes.delete(id);
    this.rollouts.delete(id);
    this.#save("rollout", id, null);
  }

  membersOf(release: ReleaseRef): ReadonlyMap<NodeId, SwarmMemberRecord> {
    return this.members.get(swarmKey(release)) ?? NO_MEMBERS;
  }

  nodesOf(rolloutId: RolloutId): ReadonlyMap<NodeId, RolloutNodeRecord> {
    return this.rolloutNodes.get(rolloutId) ?? NO_ROLLOUT_NODES;
  }

  isOnline(nodeId: NodeId): boolean {
    return this.presence.get(nodeId)?.online ?? false;
  }

  nodeName(nodeId: NodeId): string {
    return this.nodes.get(nodeId)?.name ?? nodeId;
  }

  liveOn(nodeId: NodeId, app: AppName): ReleaseRef | null {
    return this.nodes.get(nodeId)?.apps.find((state) => state.app === app)?.live ?? null;
  }

  #saveCounters(counters: CountersRecord): void {
    this.counters = counters;
    this.#save("counters", "counters", counters);
  }

  #save<K extends RecordKind>(kind: K, key: string, body: RecordTypes[K] | null): void {
    this.emit({ kind: "save", record: { kind, key, body } });
  }

  #load(record: SavedRecord): void {
    if (record.body === null) return;
    const { kind, body } = record as LoadedRecord;
    if (kind === "node") this.nodes.set(body.id, body);
    else if (kind === "release") this.releases.set(record.key, body);
    else if (kind === "app") this.apps.set(body.app, body);
    else if (kind === "swarm") this.swarms.set(record.key, body);
    else if (kind === "swarm-member") loadInto(this.members, swarmKey(body.release), body);
    else if (kind === "rollout") this.rollouts.set(body.id, body);
    else if (kind === "rollout-node") loadInto(this.rolloutNodes, body.rolloutId, body);
    else if (kind === "offences") this.offences.set(record.key, body);
    else if (kind === "limits") this.limits = body;
    else this.counters = body;
  }
}

interface HistoryLine {
  readonly kind: EventKind;
  readonly message: string;
  readonly rollout?: { readonly id: RolloutId };
  readonly release?: { readonly app: AppName; readonly version: Version };
  readonly nodeId?: NodeId;
}

type LoadedRecord = { [K in RecordKind]: { readonly kind: K; readonly body: RecordTypes[K] } }[RecordKind];

const NO_MEMBERS: ReadonlyMap<NodeId, SwarmMemberRecord> = new Map();
const NO_ROLLOUT_NODES: ReadonlyMap<NodeId, RolloutNodeRecord> = new Map();

export function releaseKey(app: AppName, version: Version): string {
  return `${app}/${version}`;
}

export function swarmKey(release: ReleaseRef): string {
  return releaseKey(release.app, release.version);
}

export function memberKey(release: ReleaseRef, nodeId: NodeId): string {
  return `${swarmKey(release)}/${nodeId}`;
}

function loadInto<Key, Body extends { readonly nodeId: NodeId }>(
  map: Map<Key, Map<NodeId, Body>>,
  key: Key,
  body: Body,
): void {
  const inner = map.get(key) ?? new Map<NodeId, Body>();
  inner.set(body.nodeId, body);
  map.set(key, inner);
}
