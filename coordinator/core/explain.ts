// Why a node is slow, as far as anybody knows: joins what the node says of itself with what the coordinator has heard,
// names everybody, and passes one verdict per release. Reads only.
import { FleetError } from "../../protocol/errors.ts";
import {
  EXPLAINED_STAGES_MAX,
  type Explanation,
  type StageExplanation,
  type TorrentView,
} from "../../protocol/explain.ts";
import type { Millis, NodeId } from "../../protocol/ids.ts";
import type { Inspection, TorrentInspection } from "../../protocol/inspection.ts";
import { type ReleaseRef, sameRelease } from "../../protocol/manifest.ts";
import type { InspectionResult } from "./inspections.ts";
import { nameOf, offencesAbout } from "./offences.ts";
import { pausingRollout } from "./pause.ts";
import type { RolloutRecord, SwarmMemberRecord } from "./records.ts";
import { type FleetState, type LiveTransfer, memberKey, releaseKey, swarmKey } from "./state.ts";
import { verdictOf } from "./verdict.ts";
import { nodeView } from "./views.ts";

/** A slower rate gives no estimate worth reading. */
const ETA_BYTES_PER_SECOND_MIN = 1_000;

/** By id or by name. FleetError node-unknown; request-invalid when several nodes have the name. */
export function findNode(state: FleetState, text: string): NodeId {
  const byId = [...state.nodes.keys()].find((nodeId) => nodeId === text);
  if (byId !== undefined) return byId;
  const named = [...state.nodes.values()].filter((node) => node.name === text);
  const online = named.filter((node) => state.isOnline(node.id));
  const [node, ...others] = online.length === 1 ? online : named;
  if (node === undefined) throw new FleetError("node-unknown", `no node is called ${text}`);
  if (others.length === 0) return node.id;
  throw new FleetError("request-invalid", `${named.length} nodes are called ${text}`, {
    next: `Name it by its id, one of ${named.map(({ id }) => id).join(", ")}.`,
  });
}

/** `heard`: what became of asking the node; null when it is offline and was not asked. */
export function explain(
  state: FleetState,
  nodeId: NodeId,
  heard: InspectionResult | null,
  now: Millis,
): Explanation {
  const node = state.nodes.get(nodeId);
  if (node === undefined) throw new FleetError("node-unknown", `there is no node ${nodeId}`);
  const inspection = heard?.kind === "answered" ? heard.inspection : null;
  const isOnline = state.isOnline(nodeId);
  const answer = inspection !== null ? "answered" : isOnline ? "silent" : "offline";
  return {
    at: now,
    node: nodeView(state, node),
    since: state.presence.get(nodeId)?.since ?? null,
    answer,
    busyShare: inspection?.busyShare ?? null,
    uploadBytesPerSecondMax: inspection?.uploadBytesPerSecondMax ?? null,
    downloadBytesPerSecondMax: inspection?.downloadBytesPerSecondMax ?? null,
    stages: stagesOf(state, nodeId)
      .slice(0, EXPLAINED_STAGES_MAX)
      .map((stage) => explainStage({ state, nodeId, answer, inspection, now }, stage)),
  };
}

interface Asked {
  readonly state: FleetState;
  readonly nodeId: NodeId;
  readonly answer: Explanation["answer"];
  readonly inspection: Inspection | null;
  readonly now: Millis;
}

interface Stage {
  readonly release: ReleaseRef;
  readonly state: SwarmMemberRecord["state"];
  readonly failure: string | null;
  readonly rollout: RolloutRecord | null;
}

/** Of the swarms it is in, unfinished first; then of the rollouts whose swarm has ended, latest first. */
function stagesOf(state: FleetState, nodeId: NodeId): readonly Stage[] {
  const rollouts = [...state.rollouts.values()]
    .filter((rollout) => state.nodesOf(rollout.id).has(nodeId))
    .toSorted((a, b) => b.startedAt - a.startedAt);
  const open = [...state.swarms.values()].flatMap(({ release }) => {
    const member = state.membersOf(release).get(nodeId);
    if (member === undefined) return [];
    const rollout = rollouts.find((one) => sameRelease(one.release, release)) ?? null;
    return [{ release, state: member.state, failure: member.message, rollout }];
  });
  const ended = rollouts
    .filter(({ release }) => !open.some((stage) => sameRelease(stage.release, release)))
    .filter((one, index, all) => all.findIndex((other) => sameRelease(other.release, one.release)) === index)
    .map((rollout) => endedStage(state, rollout, nodeId));
  return [...open.toSorted((a, b) => progressRank(a) - progressRank(b)), ...ended];
}

function endedStage(state: FleetState, rollout: RolloutRecord, nodeId: NodeId): Stage {
  const node = state.nodesOf(rollout.id).get(nodeId);
  const isStaged = state.nodes
    .get(nodeId)
    ?.apps.some(({ installed }) => installed.some((release) => sameRelease(release, rollout.release)));
  const failure = node?.message ?? rollout.message;
  return {
    ...{ release: rollout.release, rollout, failure },
    state: isStaged === true || node?.millisToVerified != null ? "staged" : "failed",
  };
}

function progressRank({ state }: Stage): number {
  return state === "staging" || state === "verified" ? 0 : 1;
}

function explainStage(asked: Asked, stage: Stage): StageExplanation {
  const { state, nodeId, inspection, now } = asked;
  const { release, rollout } = stage;
  const torrent = inspection?.torrents.find((one) => sameRelease(one.release, release)) ?? null;
  const transfer = state.transfers.get(memberKey(release, nodeId)) ?? null;
  const figures = figuresOf({ torrent, transfer, stage, nodeId, state, now });
  return {
    app: release.app,
    version: release.version,
    rolloutId: rollout?.id ?? null,
    state: stage.state,
    verdict: verdict(asked, stage, { torrent, ...figures }),
    ...figures,
    progressAt: transfer?.progressAt ?? null,
    etaSeconds: etaOf(torrent, figures),
    torrent: torrent === null ? null : torrentView(state, torrent),
    ...offencesAbout(state, release, nodeId),
  };
}

type Figures = Pick<
  StageExplanation,
  "artifactBytes" | "verifiedBytes" | "receivedBytes" | "uploadedBytes" | "receiveBytesPerSecond" | "toldAt"
>;

/** From the node itself, else from its last report, else from what the rollout remembers. */
function figuresOf(known: {
  readonly torrent: TorrentInspection | null;
  readonly transfer: LiveTransfer | null;
  readonly stage: Stage;
  readonly nodeId: NodeId;
  readonly state: FleetState;
  readonly now: Millis;
}): Figures {
  const { torrent, transfer, stage, nodeId, state, now } = known;
  const { release, rollout } = stage;
  const artifactBytes =
    state.releases.get(releaseKey(release.app, release.version))?.manifest.artifact.length ?? 0;
  const remembered = rollout === null ? undefined : state.nodesOf(rollout.id).get(nodeId);
  const isWhole = stage.state === "staged" || stage.state === "verified";
  const { verifiedBytes = 0, receivedBytes = 0, uploadedBytes = 0 } = torrent ?? transfer ?? {};
  return {
    artifactBytes,
    verifiedBytes: isWhole ? artifactBytes : verifiedBytes,
    receivedBytes: Math.max(receivedBytes, remembered?.receivedBytes ?? 0),
    uploadedBytes: Math.max(uploadedBytes, remembered?.uploadedBytes ?? 0),
    receiveBytesPerSecond: (torrent ?? transfer)?.receiveBytesPerSecond ?? 0,
    toldAt: torrent !== null ? now : (transfer?.toldAt ?? null),
  };
}

function verdict(
  { state, answer, inspection }: Asked,
  stage: Stage,
  known: {
    readonly torrent: TorrentInspection | null;
    readonly artifactBytes: number;
    readonly verifiedBytes: number;
  },
): StageExplanation["verdict"] {
  const { release } = stage;
  const swarm = state.swarms.get(swarmKey(release));
  const artifact = state.releases.get(releaseKey(release.app, release.version))?.manifest.artifact;
  return verdictOf({
    node: answer,
    state: stage.state,
    failure: stage.failure,
    pausedBy: pausingRollout(state, release)?.pausedBy ?? null,
    awaitsGo: swarm !== undefined && swarm.goAt === null,
    pieceLength: artifact?.pieceLength ?? 1,
    inspection,
    ...known,
  });
}

/** Only of what moves, and only by what the node itself says. */
function etaOf(torrent: TorrentInspection | null, figures: Figures): number | null {
  const { artifactBytes, verifiedBytes, receiveBytesPerSecond } = figures;
  if (torrent?.phase !== "fetching" || torrent.paused || torrent.missingCount === 0) return null;
  if (receiveBytesPerSecond < ETA_BYTES_PER_SECOND_MIN) return null;
  return Math.max(0, artifactBytes - verifiedBytes) / receiveBytesPerSecond;
}

function torrentView(state: FleetState, torrent: TorrentInspection): TorrentView {
  const { generation, release, phase, ...fields } = torrent;
  const named = (sources: readonly string[]): readonly string[] =>
    sources.map((source) => nameOf(state, source));
  return {
    ...fields,
    unlinked: named(torrent.unlinked),
    links: torrent.links.map((link) => ({ name: nameOf(state, link.source), ...link })),
    missing: torrent.missing.map((piece) => ({ ...piece, holders: named(piece.holders) })),
  };
}
