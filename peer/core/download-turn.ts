// The vocabulary of a download: what can happen to it, what it can ask for, and the one turn that joins both.
import type { Bitfield } from "../../protocol/bitfield.ts";
import type { Millis } from "../../protocol/ids.ts";
import type { FarShare } from "../../protocol/messages.ts";
import type { Fault } from "../../protocol/offence.ts";
import type { StripeSet } from "../../protocol/stripes.ts";
import type { DownloadState, Link } from "./download-state.ts";
import { BLOCK_BYTES, blockBytes, blockOfKey, type LinkId, pieceOfKey } from "./geometry.ts";

export type LinkEvent =
  | { readonly kind: "link-closed"; readonly link: LinkId }
  /** It leads into another zone now, or not any more, or has another share. */
  | { readonly kind: "link-far"; readonly link: LinkId; readonly far: FarShare | null }
  /** It is to bring these stripes from now on, and no others. */
  | { readonly kind: "link-feeds"; readonly link: LinkId; readonly feeds: StripeSet }
  /** It gave up on the trees. */
  | { readonly kind: "trees-off"; readonly link: LinkId }
  /** What a remote says first about itself; one that has nothing may leave it out. */
  | { readonly kind: "remote-bitfield"; readonly link: LinkId; readonly has: Bitfield }
  | { readonly kind: "remote-has"; readonly link: LinkId; readonly piece: number }
  /** `dropsRequests`: without the fast extension a choke takes all open requests with it. */
  | { readonly kind: "choked"; readonly link: LinkId; readonly dropsRequests: boolean }
  | { readonly kind: "unchoked"; readonly link: LinkId }
  | BlockEvent
  | { readonly kind: "rejected"; readonly link: LinkId; readonly piece: number; readonly offset: number };

export interface BlockEvent {
  readonly kind: "block";
  readonly link: LinkId;
  readonly piece: number;
  readonly offset: number;
  /** Handed on untouched; the machine looks at its length only. */
  readonly bytes: Uint8Array;
}

export type DownloadEvent =
  /** `source` answers for the bytes of this link: what is banned when they are wrong. */
  | {
      readonly kind: "link-open";
      readonly link: LinkId;
      readonly source: string;
      readonly isOrigin: boolean;
      /** It understands what only nodes of a fleet say; without this it does not. */
      readonly isFleetNode?: boolean;
      /** It leads into another zone; without this it does not. */
      readonly far?: FarShare | null;
      /** Stripes it is to bring without being asked; without this none. */
      readonly feeds?: StripeSet;
    }
  | LinkEvent
  /** The piece fits its hash and is on disk. `digests` by block, when `verify-piece` wanted them. */
  | { readonly kind: "piece-verified"; readonly piece: number; readonly digests: readonly string[] }
  | { readonly kind: "piece-failed"; readonly piece: number; readonly digests: readonly string[] }
  /** Paused: what was asked for is taken back and nothing is asked for; links stay. */
  | { readonly kind: "paused"; readonly paused: boolean }
  | { readonly kind: "tick" };

export interface BlockOrder {
  readonly link: LinkId;
  readonly piece: number;
  readonly offset: number;
  readonly length: number;
}

export type DownloadEffect =
  | ({ readonly kind: "request" } & BlockOrder)
  | ({ readonly kind: "cancel" } & BlockOrder)
  | { readonly kind: "interest"; readonly link: LinkId; readonly interested: boolean }
  | { readonly kind: "have"; readonly link: LinkId; readonly piece: number }
  /** Everything that is here, in place of many of the former. */
  | { readonly kind: "have-these"; readonly link: LinkId }
  /** Bring these stripes from now on as they come, and no others. */
  | { readonly kind: "feed"; readonly link: LinkId; readonly stripes: StripeSet }
  | {
      readonly kind: "keep-block";
      readonly piece: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /** Every block is here: hash it, write it, then say `piece-verified` or `piece-failed`. */
  | { readonly kind: "verify-piece"; readonly piece: number; readonly wantDigests: boolean }
  /** What was kept of this piece is of no use. */
  | { readonly kind: "drop-piece"; readonly piece: number }
  | { readonly kind: "close-link"; readonly link: LinkId; readonly reason: string }
  | { readonly kind: "ban"; readonly source: string; readonly piece: number }
  /** For people: what this remote did, or left undone. What is done about it is in other effects. */
  | { readonly kind: "offence"; readonly link: LinkId; readonly fault: Fault; readonly piece: number | null }
  | { readonly kind: "complete" };

/** One event being handled: handlers read `now`, change `state` and push to `out`. */
export interface Turn {
  readonly state: DownloadState;
  now: Millis;
  readonly out: DownloadEffect[];
}

/** Ends a link for what its remote did. */
export function cutOff(turn: Turn, link: Link, why: { fault: Fault; reason: string }): void {
  turn.out.push({ kind: "offence", link: link.id, fault: why.fault, piece: null });
  turn.out.push({ kind: "close-link", link: link.id, reason: why.reason });
}

export function orderOf(turn: Turn, link: Link, key: number): BlockOrder {
  const piece = pieceOfKey(key);
  const block = blockOfKey(key);
  return {
    link: link.id,
    piece,
    offset: block * BLOCK_BYTES,
    length: blockBytes(turn.state.geometry, piece, block),
  };
}
