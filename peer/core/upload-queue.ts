// One link of an upload: what it has asked for, the piece it is being served, and how fast its socket takes bytes.
// Plain state; whose turn it is stands in upload.ts.
import type { Millis } from "../../protocol/ids.ts";
import { PIECE_LENGTH_MAX } from "../../protocol/limits.ts";
import { BLOCK_BYTES, blockKey, type LinkId } from "./geometry.ts";
import { BurstRate } from "./rate.ts";
import type { UploadOrder } from "./upload-events.ts";

export interface Turn {
  readonly piece: number;
  bytesLeft: number;
}

export interface UploadQueue {
  readonly link: LinkId;
  readonly fast: boolean;
  readonly acknowledges: boolean;
  /** It leads into another zone. */
  isFar: boolean;
  /** In order of arrival, by piece and offset. */
  readonly orders: Map<number, UploadOrder>;
  readonly drain: BurstRate;
  unsentBytes: number;
  /** When the socket last took something, or got something to take. */
  movedAt: Millis;
  /** Since it was last sent a block. */
  refused: number;
  /** The piece it is being served and how much of it is still to go; null while it waits for a turn. */
  turn: Turn | null;
}

export function newQueue(link: Pick<UploadQueue, "link" | "fast" | "acknowledges" | "isFar">): UploadQueue {
  return {
    ...link,
    orders: new Map(),
    drain: new BurstRate(),
    unsentBytes: 0,
    movedAt: 0,
    refused: 0,
    turn: null,
  };
}

/**
 * One number for a request, for use as a map key. Small for blocks as everybody asks for them: maps find numbers beyond
 * 31 bits ten times slower.
 */
export function orderKey({ piece, offset }: UploadOrder): number {
  if (offset % BLOCK_BYTES === 0) return blockKey(piece, offset / BLOCK_BYTES);
  return -1 - (piece * PIECE_LENGTH_MAX + offset);
}
