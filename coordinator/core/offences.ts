// What nodes hold against each other in the swarm of a release: takes claims in, remembers a bounded number of them,
// and tells of each once. Believes nobody: a claim changes no plan, and every text says who makes it.
import { ROLLOUT_TERMINAL_PHASES } from "../../protocol/api.ts";
import { type Digest, type Millis, type NodeId, nodeIdSchema } from "../../protocol/ids.ts";
import {
  OFFENCE_ACCUSERS_MAX,
  OFFENCE_ACCUSERS_NAMED_MAX,
  OFFENCES_PER_RELEASE_MAX,
} from "../../protocol/limits.ts";
import { type ReleaseRef, sameRelease } from "../../protocol/manifest.ts";
import { ORIGIN_ID } from "../../protocol/messages.ts";
import type { Offence, OffenceView, OffenderReport } from "../../protocol/offence.ts";
import { offenceText } from "./offence-text.ts";
import type { OffencesRecord, RolloutRecord } from "./records.ts";
import { type FleetState, swarmKey } from "./state.ts";

/** Different claims one accuser may make about a release: a liar must not fill the record by itself. */
const CLAIMS_PER_ACCUSER_MAX = 16;

type OffenceRecord = OffencesRecord["offences"][number];

export class Offences {
  readonly #state: FleetState;

  constructor(state: FleetState) {
    this.#state = state;
  }

  /** Only who takes part in the release may accuse, and nobody himself. */
  noteByNode(accuser: NodeId, report: OffenderReport, now: Millis): void {
    const { release, source } = report;
    const swarm = this.#state.swarms.get(swarmKey(release));
    if (swarm !== undefined && swarm.generation !== report.generation) return;
    if (source === accuser || !this.#takesPart(accuser, release)) return;
    this.#note(accuser, release, report, now);
  }

  noteByOrigin(sha256: Digest, offence: Offence, now: Millis): void {
    for (const { release } of [...this.#state.swarms.values()])
      if (release.sha256 === sha256) this.#note(ORIGIN_ID, release, offence, now);
  }

  #note(accuser: string, release: ReleaseRef, offence: Offence, now: Millis): void {
    const record = this.#recordOf(release);
    const { source, fault } = offence;
    const known = record.offences.find((one) => one.source === source && one.fault === fault);
    if (known === undefined ? !hasRoom(record, accuser) : !mayJoin(known, accuser)) return;
    const first: OffenceRecord = { source, fault, piece: offence.piece, firstAt: now, accusers: [] };
    const noted = { ...(known ?? first), accusers: [...(known ?? first).accusers, accuser] };
    const others = record.offences.filter((one) => one !== known);
    this.#state.saveOffences({ release, offences: [...others, noted] });
    if (known === undefined) this.#tell(release, noted, now);
    this.#showChanged(release);
  }

  #recordOf(release: ReleaseRef): OffencesRecord {
    const record = this.#state.offences.get(swarmKey(release));
    return record !== undefined && sameRelease(record.release, release) ? record : { release, offences: [] };
  }

  /** One line of history per offender and fault, with the rollout it happened in. */
  #tell(release: ReleaseRef, offence: OffenceRecord, now: Millis): void {
    const rollouts = this.#rolloutsOf(release);
    const rollout = rollouts.find(isRunning) ?? rollouts.toSorted((a, b) => b.startedAt - a.startedAt)[0];
    const nodeId = nodeIdIn(this.#state, offence.source);
    this.#state.record(now, {
      kind: "offender-named",
      release,
      message: offenceView(this.#state, offence).message,
      ...(rollout === undefined ? {} : { rollout }),
      ...(nodeId === null ? {} : { nodeId }),
    });
  }

  #showChanged(release: ReleaseRef): void {
    for (const { id } of this.#rolloutsOf(release).filter(isRunning))
      this.#state.emit({ kind: "rollout-changed", rolloutId: id });
  }

  #rolloutsOf(release: ReleaseRef): readonly RolloutRecord[] {
    return [...this.#state.rollouts.values()].filter((rollout) => sameRelease(rollout.release, release));
  }

  #takesPart(nodeId: NodeId, release: ReleaseRef): boolean {
    if (this.#state.membersOf(release).get(nodeId)?.release.sha256 === release.sha256) return true;
    return this.#rolloutsOf(release).some((rollout) => this.#state.nodesOf(rollout.id).has(nodeId));
  }
}

/** The first to be accused first. */
export function offenceViews(state: FleetState, release: ReleaseRef): readonly OffenceView[] {
  const record = state.offences.get(swarmKey(release));
  if (record === undefined || !sameRelease(record.release, release)) return [];
  return record.offences.map((offence) => offenceView(state, offence)).toSorted(byTime);
}

/** What is held against this node, and what it holds against others, in one release. */
export function offencesAbout(
  state: FleetState,
  release: ReleaseRef,
  nodeId: NodeId,
): { readonly accused: readonly OffenceView[]; readonly accuses: readonly OffenceView[] } {
  const record = state.offences.get(swarmKey(release));
  if (record === undefined || !sameRelease(record.release, release)) return { accused: [], accuses: [] };
  const views = (offences: readonly OffenceRecord[]): readonly OffenceView[] =>
    offences.map((offence) => offenceView(state, offence)).toSorted(byTime);
  return {
    accused: views(record.offences.filter(({ source }) => source === nodeId)),
    accuses: views(record.offences.filter(({ accusers }) => accusers.includes(nodeId))),
  };
}

function offenceView(state: FleetState, offence: OffenceRecord): OffenceView {
  const { source, fault, piece, firstAt, accusers } = offence;
  const known = {
    ...{ source, name: nameOf(state, source), fault, piece, firstAt, accuserCount: accusers.length },
    accusers: accusers.slice(0, OFFENCE_ACCUSERS_NAMED_MAX).map((by) => nameOf(state, by)),
  };
  return { ...known, message: offenceText(known, nodeIdIn(state, source) === null ? "stranger" : "node") };
}

/** The node's name, or the source itself when it is none of ours. */
export function nameOf(state: FleetState, source: string): string {
  const nodeId = nodeIdIn(state, source);
  return nodeId === null ? source : state.nodeName(nodeId);
}

/** A source is what a node has heard on the wire: it is a node of ours only when we know it. */
function nodeIdIn(state: FleetState, source: string): NodeId | null {
  if (!/^[0-9a-f]{32}$/.test(source)) return null;
  const nodeId = nodeIdSchema.decode(source, "source");
  return state.nodes.has(nodeId) ? nodeId : null;
}

function hasRoom(record: OffencesRecord, accuser: string): boolean {
  if (record.offences.length >= OFFENCES_PER_RELEASE_MAX) return false;
  const claims = record.offences.filter(({ accusers }) => accusers.includes(accuser));
  return claims.length < CLAIMS_PER_ACCUSER_MAX;
}

function mayJoin(offence: OffenceRecord, accuser: string): boolean {
  return offence.accusers.length < OFFENCE_ACCUSERS_MAX && !offence.accusers.includes(accuser);
}

function isRunning({ phase }: RolloutRecord): boolean {
  return !ROLLOUT_TERMINAL_PHASES.includes(phase);
}

function byTime(a: OffenceView, b: OffenceView): number {
  return a.firstAt - b.firstAt;
}
