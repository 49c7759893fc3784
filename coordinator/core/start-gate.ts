// When a swarm's members may begin to ask for pieces: who has its links open, and how long GO waits for the others.
// Remembers only what a restart may forget: after one, everybody is asked again.
import type { Millis, NodeId } from "../../protocol/ids.ts";
import { GO_WAIT_MS } from "../../protocol/limits.ts";
import type { ReleaseRef } from "../../protocol/manifest.ts";
import type { SwarmMemberRecord, SwarmRecord } from "./records.ts";
import { type FleetState, swarmKey } from "./state.ts";

interface Countdown {
  readonly armedAt: Millis;
  readonly ready: Set<NodeId>;
}

/** A swarm whose GO is due. */
export interface DueStart {
  readonly swarm: SwarmRecord;
  /** Members that wait for it, online or not. */
  readonly memberCount: number;
  readonly readyCount: number;
}

export class StartGate {
  readonly #state: FleetState;
  readonly #countdowns = new Map<string, Countdown>();

  constructor(state: FleetState) {
    this.#state = state;
  }

  /** Members of this swarm have been told to open their links. A countdown that runs goes on. */
  arm(release: ReleaseRef, now: Millis): void {
    const key = swarmKey(release);
    if (!this.#countdowns.has(key)) this.#countdowns.set(key, { armedAt: now, ready: new Set() });
  }

  noteReady(release: ReleaseRef, nodeId: NodeId): void {
    this.#countdowns.get(swarmKey(release))?.ready.add(nodeId);
  }

  /** Its links are gone: it must say so again. */
  noteUnready(release: ReleaseRef, nodeId: NodeId): void {
    this.#countdowns.get(swarmKey(release))?.ready.delete(nodeId);
  }

  /** GO has been given, or the swarm has ended. */
  disarm(release: ReleaseRef): void {
    this.#countdowns.delete(swarmKey(release));
  }

  due(now: Millis): readonly DueStart[] {
    return this.#waiting().flatMap(({ swarm, countdown, members }) => {
      const isOver = now >= countdown.armedAt + GO_WAIT_MS;
      if (!isOver && members.some((member) => this.#isAwaited(member, countdown))) return [];
      const readyCount = members.filter((member) => countdown.ready.has(member.nodeId)).length;
      return [{ swarm, memberCount: members.length, readyCount }];
    });
  }

  deadline(): Millis | null {
    const times = this.#waiting().map(({ countdown }) => countdown.armedAt + GO_WAIT_MS);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Swarms without GO that nobody has paused, in which somebody has to fetch, and somebody is there to be told. */
  #waiting() {
    return [...this.#state.swarms.values()].flatMap((swarm) => {
      const countdown = this.#countdowns.get(swarmKey(swarm.release));
      if (countdown === undefined || swarm.goAt !== null || swarm.paused === true) return [];
      const all = [...this.#state.membersOf(swarm.release).values()];
      const members = all.filter((member) => member.state === "staging");
      return members.some((member) => this.#state.isOnline(member.nodeId))
        ? [{ swarm, countdown, members }]
        : [];
    });
  }

  /** After a restart nobody is here yet, and all are on their way; who leaves later is not waited for. */
  #isAwaited(member: SwarmMemberRecord, { armedAt, ready }: Countdown): boolean {
    if (ready.has(member.nodeId)) return false;
    const presence = this.#state.presence.get(member.nodeId);
    return presence === undefined || presence.online || presence.since <= armedAt;
  }
}
