// One member of a simulated swarm, a node or the origin: the two machines that ship, and their effects as events of
// the network around them. Decides nothing itself.
import { createDownload, type Download } from "../../peer/core/download.ts";
import { downloadConfigFor } from "../../peer/core/download-config.ts";
import type { DownloadEffect, DownloadEvent } from "../../peer/core/download-turn.ts";
import { BLOCK_BYTES, type Geometry, type LinkId } from "../../peer/core/geometry.ts";
import { createUpload, type Uploading } from "../../peer/core/upload.ts";
import type { UploadEffect, UploadEvent, UploadOrder } from "../../peer/core/upload-events.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import { assertNever } from "../../protocol/machine.ts";
import type { FarShare } from "../../protocol/messages.ts";
import type { Prng } from "../../protocol/prng.ts";
import { ALL_STRIPES, type StripeSet, TREES_OFF } from "../../protocol/stripes.ts";
import type { Policy } from "./scenario.ts";
import { EVENT } from "./swarm-events.ts";

/** What a member can do to the world. */
export interface Surroundings {
  readonly now: number;
  /** A message without a size, to the other end of a link. */
  tell(from: Member, link: LinkId, kind: number, block: number): void;
  /** All that it has, as one message. */
  tellAll(from: Member, link: LinkId): void;
  /** A block, through the links of both ends. */
  transmit(from: Member, link: LinkId, block: number): void;
  verify(member: Member, piece: number): void;
  completed(member: Member): void;
  wake(member: Member, kind: number, at: number): void;
  /** A machine gave up on a link. */
  cut(member: Member, link: LinkId): void;
}

export interface MemberOptions {
  readonly index: number;
  readonly name: string;
  readonly isOrigin: boolean;
  /** As simulated: with blocks of the usual length, whatever they stand for. */
  readonly geometry: Geometry;
  /** Of a real piece. */
  readonly pieceBytes: number;
  readonly upBytesPerMs: number;
  readonly downBytesPerMs: number;
  readonly zone: number;
  /** Its part of what is asked of the origin first. */
  readonly share: { readonly place: number; readonly count: number };
  readonly random: Prng;
  readonly policy: Policy;
}

/** One end of a link, as the other end is seen from it. */
export interface Way {
  readonly remote: Member;
  /** What the remote calls the link. */
  readonly theirs: LinkId;
  readonly wayMs: number;
  /** When the remote hears the last message that was told it. */
  heardAt: number;
  /** What the remote has, on its way from there. */
  readonly sets: Bitfield[];
  /** What is asked of the remote first when it is in another zone. */
  readonly far: FarShare | null;
  /** Stripes that the remote brings. */
  readonly feeds: StripeSet;
}

const NEVER = Number.POSITIVE_INFINITY;
/** The machine looks at nothing but its length. */
const BLOCK = new Uint8Array(BLOCK_BYTES);
const NO_DIGESTS: readonly string[] = [];
const DOWNLOAD_TICK: DownloadEvent = { kind: "tick" };
const UPLOAD_TICK: UploadEvent = { kind: "tick" };

export class Member {
  readonly options: MemberOptions;
  readonly verified: Bitfield;
  /** Links that are open. Each end has numbers of its own for them, as real ones have. */
  readonly ways = new Map<LinkId, Way>();
  started = false;
  gone = false;
  /** When it had everything; null before. */
  completedAt: number | null = null;
  receivedBytes = 0;
  sentBytes = 0;
  /** When its uplink, downlink and disk have done what they have been given. */
  upFreeAt = 0;
  downFreeAt = 0;
  diskFreeAt = 0;
  readonly #world: Surroundings;
  readonly #blocksPerPiece: number;
  readonly #download: Download;
  readonly #upload: Uploading;
  #linkCount = 0;
  #downloadTickAt = NEVER;
  #uploadTickAt = NEVER;
  /** Blocks handed to the network while the upload's effects are being applied. */
  #sent: UploadOrder[] = [];

  constructor(options: MemberOptions, world: Surroundings) {
    const { geometry, isOrigin, policy, share } = options;
    this.options = options;
    this.#world = world;
    this.#blocksPerPiece = geometry.pieceLength / BLOCK_BYTES;
    this.verified = isOrigin ? Bitfield.full(geometry.pieceCount) : new Bitfield(geometry.pieceCount);
    const { verified } = this;
    this.#upload = createUpload({ geometry, verified, injects: isOrigin && policy.injection });
    this.#download = createDownload({
      geometry,
      verified,
      rank: share.place,
      rankCount: share.count,
      random: options.random,
      originSource: "origin",
      paused: true,
      config: {
        ...downloadConfigFor(options.pieceBytes),
        pickOrder: policy.picking,
        asksRivals: policy.endgame,
      },
    });
  }

  start(): void {
    this.started = true;
    this.download({ kind: "paused", paused: false });
  }

  /** A number that no link of this member has had. */
  newLink(): LinkId {
    this.#linkCount += 1;
    return this.#linkCount;
  }

  open(link: LinkId, way: Way): void {
    const { remote, far, feeds } = way;
    const { name, isOrigin } = remote.options;
    this.ways.set(link, way);
    this.upload({ kind: "link-open", link, fast: true, acknowledges: true, isFar: far !== null });
    this.download({ kind: "link-open", link, source: name, isOrigin, far, feeds, isFleetNode: true });
    if (remote.verified.count > 0) this.#hearSet(link, copyOf(remote.verified));
  }

  close(link: LinkId): void {
    if (!this.ways.delete(link)) return;
    this.download({ kind: "link-closed", link });
    this.upload({ kind: "link-closed", link });
  }

  tickDownload(at: number): void {
    if (at !== this.#downloadTickAt) return;
    this.#downloadTickAt = NEVER;
    this.download(DOWNLOAD_TICK);
  }

  tickUpload(at: number): void {
    if (at !== this.#uploadTickAt) return;
    this.#uploadTickAt = NEVER;
    this.upload(UPLOAD_TICK);
  }

  receive(order: UploadOrder): void {
    const { link, piece, offset } = order;
    this.receivedBytes += BLOCK_BYTES;
    this.download({ kind: "block", link, piece, offset, bytes: BLOCK });
  }

  verifiedPiece(piece: number): void {
    this.download({ kind: "piece-verified", piece, digests: NO_DIGESTS });
    this.upload({ kind: "gained", piece });
  }

  hears(link: LinkId, piece: number): void {
    const event = { kind: "remote-has", link, piece } as const;
    this.download(event);
    this.upload(event);
  }

  fed(link: LinkId, stripes: StripeSet): void {
    this.upload({ kind: "feed", link, stripes: stripes & ALL_STRIPES });
    if (stripes === TREES_OFF) this.download({ kind: "trees-off", link });
  }

  /** The oldest set that is on its way. */
  hearsAll(link: LinkId): void {
    const has = this.ways.get(link)?.sets.shift();
    if (has !== undefined) this.#hearSet(link, has);
  }

  #hearSet(link: LinkId, has: Bitfield): void {
    const event = { kind: "remote-bitfield", link, has } as const;
    this.download(event);
    this.upload(event);
  }

  download(event: DownloadEvent): void {
    const effects = this.#download.handle(event, this.#world.now);
    for (const effect of effects) this.#applyDownload(effect);
    const at = this.#download.deadline();
    if (at === null || at >= this.#downloadTickAt) return;
    this.#downloadTickAt = Math.max(at, this.#world.now);
    this.#world.wake(this, EVENT.downloadTick, this.#downloadTickAt);
  }

  upload(event: UploadEvent): void {
    this.#applyUploads(this.#upload.handle(event, this.#world.now));
    const at = this.#upload.deadline();
    if (at === null || at >= this.#uploadTickAt) return;
    this.#uploadTickAt = Math.max(at, this.#world.now);
    this.#world.wake(this, EVENT.uploadTick, this.#uploadTickAt);
  }

  /** Counted through the whole artifact. */
  #blockOf({ piece, offset }: UploadOrder): number {
    return piece * this.#blocksPerPiece + offset / BLOCK_BYTES;
  }

  #applyDownload(effect: DownloadEffect): void {
    const world = this.#world;
    switch (effect.kind) {
      case "request":
        return world.tell(this, effect.link, EVENT.requested, this.#blockOf(effect));
      case "cancel":
        return world.tell(this, effect.link, EVENT.cancelled, this.#blockOf(effect));
      case "interest":
        if (effect.interested) world.tell(this, effect.link, EVENT.interested, 0);
        return;
      case "have-these":
        return world.tellAll(this, effect.link);
      case "feed":
        return world.tell(this, effect.link, EVENT.feed, effect.stripes);
      case "have":
        return world.tell(this, effect.link, EVENT.has, effect.piece * this.#blocksPerPiece);
      case "verify-piece":
        return world.verify(this, effect.piece);
      case "complete":
        return world.completed(this);
      case "close-link":
        return world.cut(this, effect.link);
      case "keep-block":
      case "drop-piece":
      case "ban":
      case "offence":
        return;
      default:
        return assertNever(effect);
    }
  }

  /** The network takes every block at once: what may be under way is bounded by what is acknowledged. */
  #applyUploads(effects: readonly UploadEffect[]): void {
    for (const effect of effects) this.#applyUpload(effect);
    for (let next = this.#sent.pop(); next !== undefined; next = this.#sent.pop()) {
      const { link, length } = next;
      const further = this.#upload.handle({ kind: "sent", link, bytes: length }, this.#world.now);
      for (const effect of further) this.#applyUpload(effect);
    }
  }

  #applyUpload(effect: UploadEffect): void {
    const world = this.#world;
    switch (effect.kind) {
      case "send":
        this.sentBytes += effect.length;
        this.#sent.push(effect);
        return world.transmit(this, effect.link, this.#blockOf(effect));
      case "unchoke":
        return world.tell(this, effect.link, EVENT.unchoked, 0);
      case "reject":
        return world.tell(this, effect.link, EVENT.rejected, this.#blockOf(effect));
      case "close-link":
        return world.cut(this, effect.link);
      default:
        return assertNever(effect);
    }
  }
}

function copyOf(field: Bitfield): Bitfield {
  const copy = new Bitfield(field.length);
  for (let piece = 0; piece < field.length; piece += 1) if (field.has(piece)) copy.add(piece);
  return copy;
}
