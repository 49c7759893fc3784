// Releases on their way to nodes: who is in which swarm, who is told of whom, and what each has reported.
// Decides nothing about activation.
import { decodeBase64Url } from "../../protocol/base64url.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { Millis, NodeId } from "../../protocol/ids.ts";
import { NEIGHBOURS_MAX } from "../../protocol/limits.ts";
import { assert } from "../../protocol/machine.ts";
import { type ReleaseRef, sameRelease } from "../../protocol/manifest.ts";
import { type Neighbour, type NodeMessage, ORIGIN_ID } from "../../protocol/messages.ts";
import { newMember, type ReleaseRecord, type SwarmMemberRecord, type SwarmRecord } from "./records.ts";
import { type DueStart, StartGate } from "./start-gate.ts";
import { type FleetState, memberKey, swarmKey } from "./state.ts";
import type { FedOriginLink } from "./swarm-graph.ts";
import { SwarmTopology } from "./swarm-topology.ts";

/** A member online this long without one more verified byte, and not yet unpacked, has failed to stage. */
export const STAGE_STALL_MS = 30 * 60_000;

/** Where nodes find the coordinator's own seeder; a null host means the address through which they reached us. */
export interface Origin {
  readonly host: string | null;
  readonly port: number;
  /** The zone it is in, as nodes name theirs in their label `zone`; null: that of nodes without the label. */
  readonly zone: string | null;
}

type StageMessage = Extract<
  NodeMessage,
  { kind: "stage-ready" | "progress" | "verified" | "staged" | "stage-failed" }
>;
type TransferMessage = Exclude<StageMessage, { kind: "stage-ready" | "stage-failed" }>;

export class Swarms {
  readonly #state: FleetState;
  readonly #origin: Origin;
  readonly #gate: StartGate;
  /** One per running swarm; rebuilt when a member joins. */
  readonly #topologies = new Map<string, SwarmTopology>();
  /** Decoded once per running swarm: every stage order carries the same bytes. */
  readonly #torrentInfos = new Map<string, Uint8Array>();

  constructor(state: FleetState, origin: Origin) {
    this.#state = state;
    this.#origin = origin;
    this.#gate = new StartGate(state);
  }

  /** Puts nodes into the swarm of a release, beginning it when there is none, and tells those that are online. */
  join(release: ReleaseRef, nodeIds: readonly NodeId[], now: Millis): void {
    const newcomers = nodeIds.filter((id) => !this.#state.membersOf(release).has(id));
    if (newcomers.length === 0) return;
    const swarm = this.#state.swarms.get(swarmKey(release)) ?? this.#begin(release, newcomers.length, now);
    if (swarm.goAt === null) this.#gate.arm(release, now);
    const gatewaysBefore = swarm.nextRank === 0 ? [] : this.#topologyOf(swarm).gateways();
    newcomers.forEach((nodeId, index) => {
      const zone = this.#state.nodes.get(nodeId)?.labels.zone ?? null;
      this.#state.saveMember(newMember(release, nodeId, { rank: swarm.nextRank + index, zone, now }));
      this.#touch(release, nodeId, now);
    });
    const joined = { ...swarm, nextRank: swarm.nextRank + newcomers.length };
    this.#state.saveSwarm(joined);
    for (const nodeId of newcomers) this.#sendStage(release, nodeId);
    const gateways = [...gatewaysBefore, ...this.#topologyOf(joined).gateways()];
    this.#announce(joined, new Set(newcomers), gateways);
  }

  /** A node came (back): it gets its unfinished orders again, and its neighbours its new address. */
  welcome(nodeId: NodeId, now: Millis): void {
    for (const swarm of this.#state.swarms.values()) {
      const member = this.#state.membersOf(swarm.release).get(nodeId);
      if (member === undefined) continue;
      this.#touch(swarm.release, nodeId, now);
      this.#gate.noteUnready(swarm.release, nodeId);
      const relinked = this.#topologyOf(swarm).setPresent(member.rank, true);
      if (isUnfinished(member)) this.#sendStage(swarm.release, nodeId);
      this.#announce(swarm, new Set([nodeId]), relinked);
    }
  }

  /** A node went away: if pieces came into its zone through it, they need another way. */
  leave(nodeId: NodeId): void {
    for (const swarm of this.#state.swarms.values()) {
      const member = this.#state.membersOf(swarm.release).get(nodeId);
      if (member === undefined) continue;
      const relinked = this.#topologyOf(swarm).setPresent(member.rank, false);
      this.#tellNeighbours(swarm, new Set(relinked));
    }
  }

  /** Takes in a report. Returns the member when its state changed. Whoever reports on what is over is told so. */
  report(nodeId: NodeId, message: StageMessage, now: Millis): SwarmMemberRecord | null {
    const swarm = this.#state.swarms.get(swarmKey(message.release));
    const member = this.#state.membersOf(message.release).get(nodeId);
    if (swarm === undefined || member === undefined) {
      const { generation, release } = message;
      this.#state.emit({ kind: "send", nodeId, message: { kind: "stop-serving", generation, release } });
      return null;
    }
    if (swarm.generation !== message.generation || !sameRelease(swarm.release, message.release)) return null;
    if (message.kind === "stage-ready") {
      this.#gate.noteReady(swarm.release, nodeId);
      return null;
    }
    if (message.kind === "stage-failed") return this.fail(member, message.code, message.message);
    this.#measure(message, nodeId, now);
    if (message.kind === "progress") return null;
    return this.#advance(member, message, now);
  }

  /** Gives GO to every swarm whose members are ready, or have had the time to be. Those it was given to. */
  startDue(now: Millis): readonly DueStart[] {
    const due = this.#gate.due(now);
    for (const { swarm } of due) this.#start(swarm, now);
    return due;
  }

  /** An operator wants it to stand still, or to go on. */
  setPaused(swarm: SwarmRecord, paused: boolean, now: Millis): void {
    if ((swarm.paused ?? false) === paused) return;
    const { release, generation } = swarm;
    this.#state.saveSwarm({ ...swarm, paused, flowsSince: paused || swarm.goAt === null ? null : now });
    for (const nodeId of this.#state.membersOf(release).keys()) {
      this.#touch(release, nodeId, now);
      if (!this.#state.isOnline(nodeId)) continue;
      this.#state.emit({ kind: "send", nodeId, message: { kind: "pause", generation, release, paused } });
    }
  }

  fail(member: SwarmMemberRecord, code: string, message: string): SwarmMemberRecord | null {
    if (member.state === "failed" || member.state === "staged") return null;
    const failed: SwarmMemberRecord = { ...member, state: "failed", code, message };
    this.#state.saveMember(failed);
    return failed;
  }

  /** Members that have made no progress for too long; each is marked failed. */
  judgeStalls(now: Millis): readonly SwarmMemberRecord[] {
    return this.#unfinished().flatMap((member) => {
      if (this.#stallAt(member) > now) return [];
      const code: ErrorCode = "download-stalled";
      const failed = this.fail(member, code, `no progress for ${STAGE_STALL_MS / 60_000} minutes`);
      return failed === null ? [] : [failed];
    });
  }

  deadline(): Millis | null {
    const stalls = this.#unfinished().map((member) => this.#stallAt(member));
    const earliest = Math.min(...stalls, this.#gate.deadline() ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(earliest) ? earliest : null;
  }

  /** The fleet has it: everyone stops serving and the origin closes. */
  end(release: ReleaseRef): void {
    const swarm = this.#state.swarms.get(swarmKey(release));
    if (swarm === undefined) return;
    for (const nodeId of this.#state.membersOf(release).keys()) {
      if (!this.#state.isOnline(nodeId)) continue;
      this.#state.emit({
        kind: "send",
        nodeId,
        message: { kind: "stop-serving", generation: swarm.generation, release },
      });
    }
    this.#state.deleteSwarm(release);
    this.#gate.disarm(release);
    this.#topologies.delete(swarmKey(release));
    this.#torrentInfos.delete(swarmKey(release));
    const shared = [...this.#state.swarms.values()].some((other) => other.release.sha256 === release.sha256);
    if (!shared) this.#state.emit({ kind: "stop-seeding", sha256: release.sha256 });
  }

  /** After a restart: open the origin again for every swarm that was under way. */
  restore(now: Millis): void {
    for (const swarm of this.#state.swarms.values()) {
      this.#seed(swarm.release);
      if (swarm.goAt === null) this.#gate.arm(swarm.release, now);
      for (const nodeId of this.#state.membersOf(swarm.release).keys())
        this.#touch(swarm.release, nodeId, now);
    }
  }

  #begin(release: ReleaseRef, memberCount: number, now: Millis): SwarmRecord {
    const generation = this.#state.nextGeneration();
    const swarm: SwarmRecord = {
      release,
      generation,
      startedAt: now,
      goAt: null,
      flowsSince: null,
      paused: false,
      nextRank: 0,
      firstCount: memberCount,
    };
    this.#state.saveSwarm(swarm);
    this.#seed(release);
    return swarm;
  }

  #start(swarm: SwarmRecord, now: Millis): void {
    const { release, generation } = swarm;
    this.#state.saveSwarm({ ...swarm, goAt: now, flowsSince: now });
    this.#gate.disarm(release);
    const topology = this.#topologyOf(swarm);
    const members = this.#state.membersOf(release);
    for (const rank of topology.startOrder()) {
      const id = topology.memberAt(rank)?.nodeId;
      const member = id === undefined ? undefined : members.get(id);
      if (member?.state !== "staging") continue;
      this.#state.saveMember({ ...member, goAt: now });
      this.#touch(release, member.nodeId, now);
      if (!this.#state.isOnline(member.nodeId)) continue;
      this.#state.emit({ kind: "send", nodeId: member.nodeId, message: { kind: "go", generation, release } });
    }
  }

  #seed(release: ReleaseRef): void {
    const { manifest, torrentInfo } = this.#releaseRecord(release);
    this.#state.emit({ kind: "seed", artifact: manifest.artifact, torrentInfo });
  }

  #sendStage(release: ReleaseRef, nodeId: NodeId): void {
    const swarm = this.#state.swarms.get(swarmKey(release));
    const member = this.#state.membersOf(release).get(nodeId);
    if (swarm === undefined || member === undefined || !this.#state.isOnline(nodeId)) return;
    const { signed } = this.#releaseRecord(release);
    const share = this.#topologyOf(swarm).shareOf(member.rank);
    this.#state.emit({
      kind: "send",
      nodeId,
      message: {
        kind: "stage",
        generation: swarm.generation,
        release,
        signed,
        torrentInfo: this.#torrentInfo(release),
        neighbours: this.#neighbours(swarm, member),
        rank: share.place,
        rankCount: share.count,
        awaitsGo: swarm.goAt === null,
        paused: swarm.paused ?? false,
      },
    });
  }

  /** Tells the online neighbours of these members, and others with new links, who their neighbours are now. */
  #announce(swarm: SwarmRecord, changed: ReadonlySet<NodeId>, relinked: readonly number[]): void {
    const topology = this.#topologyOf(swarm);
    const members = this.#state.membersOf(swarm.release);
    const touched = new Set(relinked);
    for (const id of changed) {
      const rank = members.get(id)?.rank;
      if (rank !== undefined) for (const linked of topology.linksOf(rank)) touched.add(linked.rank);
    }
    // These have just been told with their stage order, unless they came back with nothing left to stage.
    for (const id of changed) {
      const member = members.get(id);
      if (member !== undefined && isUnfinished(member)) touched.delete(member.rank);
    }
    this.#tellNeighbours(swarm, touched);
  }

  #tellNeighbours(swarm: SwarmRecord, ranks: ReadonlySet<number>): void {
    const { release, generation } = swarm;
    const topology = this.#topologyOf(swarm);
    for (const rank of ranks) {
      const nodeId = topology.memberAt(rank)?.nodeId;
      if (nodeId === undefined || !this.#state.isOnline(nodeId)) continue;
      const neighbours = this.#neighbours(swarm, { nodeId, rank });
      const message = { kind: "neighbours" as const, generation, release, neighbours };
      this.#state.emit({ kind: "send", nodeId, message });
    }
  }

  #neighbours(swarm: SwarmRecord, of: Pick<SwarmMemberRecord, "nodeId" | "rank">): Neighbour[] {
    const topology = this.#topologyOf(swarm);
    const neighbours = this.#originFor(of.nodeId, topology.originOf(of.rank));
    for (const { rank, far, feeds, dial } of topology.linksOf(of.rank)) {
      const id = topology.memberAt(rank)?.nodeId;
      const address = id === undefined ? undefined : this.#state.nodes.get(id)?.swarm;
      if (id === undefined || address === undefined || !this.#state.isOnline(id)) continue;
      neighbours.push({ id, host: address.host, port: address.port, dial, far, feeds });
    }
    return neighbours.slice(0, NEIGHBOURS_MAX);
  }

  #topologyOf(swarm: SwarmRecord): SwarmTopology {
    const key = swarmKey(swarm.release);
    const known = this.#topologies.get(key);
    if (known !== undefined && known.generation === swarm.generation && known.memberCount === swarm.nextRank)
      return known;
    const topology = new SwarmTopology({
      generation: swarm.generation,
      memberCount: swarm.nextRank,
      // Those of a swarm that was begun before trees were known have none.
      firstCount: swarm.firstCount ?? 0,
      members: this.#state.membersOf(swarm.release).values(),
      isPresent: ({ nodeId }) => this.#state.isOnline(nodeId),
      originZone: this.#origin.zone,
    });
    this.#topologies.set(key, topology);
    return topology;
  }

  #originFor(nodeId: NodeId, link: FedOriginLink | null): Neighbour[] {
    const host = this.#origin.host ?? this.#state.presence.get(nodeId)?.localHost;
    if (host === undefined || link === null) return [];
    const { far, feeds } = link;
    return [{ id: ORIGIN_ID, host, port: this.#origin.port, dial: true, far, feeds }];
  }

  #advance(member: SwarmMemberRecord, message: TransferMessage, now: Millis): SwarmMemberRecord | null {
    const state = message.kind === "staged" ? "staged" : "verified";
    if (member.state === "staged" || member.state === state || member.state === "failed") return null;
    const { receivedBytes, uploadedBytes } = message;
    const advanced = {
      ...member,
      state,
      verifiedAt: member.verifiedAt ?? now,
      receivedBytes,
      uploadedBytes,
    } as const;
    this.#state.saveMember(advanced);
    return advanced;
  }

  #measure(message: TransferMessage, nodeId: NodeId, now: Millis): void {
    const key = memberKey(message.release, nodeId);
    const before = this.#state.transfers.get(key);
    const { verifiedBytes, receivedBytes, uploadedBytes } = message;
    const grew = before === undefined || verifiedBytes > before.verifiedBytes;
    this.#state.transfers.set(key, {
      verifiedBytes,
      receivedBytes,
      uploadedBytes,
      receiveBytesPerSecond: message.kind === "progress" ? message.receiveBytesPerSecond : 0,
      progressAt: grew ? now : before.progressAt,
      toldAt: now,
    });
  }

  #touch(release: ReleaseRef, nodeId: NodeId, now: Millis): void {
    const key = memberKey(release, nodeId);
    const before = this.#state.transfers.get(key) ?? NO_TRANSFER;
    this.#state.transfers.set(key, { ...before, receiveBytesPerSecond: 0, progressAt: now });
  }

  #unfinished(): readonly SwarmMemberRecord[] {
    const moving = [...this.#state.swarms.values()].filter((swarm) => swarm.paused !== true);
    return moving.flatMap(({ release }) =>
      [...this.#state.membersOf(release).values()].filter(
        (member) => isUnfinished(member) && this.#state.isOnline(member.nodeId),
      ),
    );
  }

  #stallAt(member: SwarmMemberRecord): Millis {
    const progressAt =
      this.#state.transfers.get(memberKey(member.release, member.nodeId))?.progressAt ?? member.goAt;
    return progressAt + STAGE_STALL_MS;
  }

  #torrentInfo(release: ReleaseRef): Uint8Array {
    const key = swarmKey(release);
    const decoded = this.#torrentInfos.get(key) ?? decodeBase64Url(this.#releaseRecord(release).torrentInfo);
    this.#torrentInfos.set(key, decoded);
    return decoded;
  }

  #releaseRecord(release: ReleaseRef): ReleaseRecord {
    const record = this.#state.releases.get(swarmKey(release));
    assert(record !== undefined, `swarm of unpublished release ${swarmKey(release)}`);
    return record;
  }
}

const NO_TRANSFER = {
  verifiedBytes: 0,
  receivedBytes: 0,
  uploadedBytes: 0,
  receiveBytesPerSecond: 0,
  toldAt: null,
};

function isUnfinished(member: SwarmMemberRecord): boolean {
  return member.state === "staging" || member.state === "verified";
}
