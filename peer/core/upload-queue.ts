// One link of an upload: what it has asked for, the piece it is being served, and how fast its socket takes bytes.
// Plain state; whose turn it is stands in upload.ts.
import type { Millis } from "../../protocol/ids.ts";
import { PIECE_LENGTH_MAX } from "../../protocol/limits.ts";
import {
  BLOCK_BYTES,
  blockBytes,
  blockCount,
  blockKey,
  type Geometry,
  type LinkId,
  pieceBytes,
} from "./geometry.ts";
import { BurstRate } from "./rate.ts";
import type { UploadConfig } from "./upload-config.ts";
import type { UploadOrder } from "./upload-events.ts";

/** The largest block BitTorrent clients may ask for. */
const REQUEST_BYTES_MAX = 128 * 1024;

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
  /** Of the piece that became requests last without being asked for. */
  fedPiece: number | null;
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
    fedPiece: null,
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

/** All of a piece, as if it had been asked for. */
export function orderPiece(queue: UploadQueue, geometry: Geometry, piece: number): void {
  queue.fedPiece = piece;
  for (let block = 0; block < blockCount(geometry, piece); block += 1) {
    const offset = block * BLOCK_BYTES;
    const order = { link: queue.link, piece, offset, length: blockBytes(geometry, piece, block) };
    queue.orders.set(orderKey(order), order);
  }
}

/** Whether there are such bytes, and not too many for one request. */
export function isInside(geometry: Geometry, { piece, offset, length }: UploadOrder): boolean {
  if (piece < 0 || piece >= geometry.pieceCount) return false;
  if (offset < 0 || length < 1 || length > REQUEST_BYTES_MAX) return false;
  return offset + length <= pieceBytes(geometry, piece);
}

/** Bytes its socket may hold unsent. */
export function aheadBytes({ drain }: UploadQueue, config: UploadConfig): number {
  const { aheadSeconds, aheadBytesMin, aheadBytesMax } = config;
  return Math.max(aheadBytesMin, Math.min(aheadBytesMax, aheadSeconds * drain.bytesPerSecond));
}

/** A remote that drains slowly leaves room on our uplink for others: it takes part of a slot only. */
export function slotShare({ drain }: UploadQueue, fastestBytesPerSecond: number): number {
  const rate = drain.bytesPerSecond;
  if (rate === 0 || fastestBytesPerSecond === 0) return 1;
  return Math.min(1, rate / fastestBytesPerSecond);
}
