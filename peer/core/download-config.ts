// The numbers the download is tuned by, each with its reason. Never read by anything but the download core.

import type { NewsConfig } from "./news.ts";
import type { PickOrder } from "./rarity.ts";

const MIB = 1024 * 1024;

export interface DownloadConfig extends NewsConfig {
  /** Requests kept open on a link cover this much of its measured rate: enough to hide a round trip, little to lose. */
  readonly windowSeconds: number;
  /** One on each link keeps a swarm busy: more only wait for one another, hop by hop. */
  readonly windowBlocksMin: number;
  /** 2 MiB covers 100 MB/s at 20 ms; more only lengthens what a crash or a cancel throws away. */
  readonly windowBlocksMax: number;
  /** All links together ask for at most this share of the artifact at once: a crash loses what is under way. */
  readonly openShareMax: number;
  /** All links together ask for what arrives in this time: what one link owes can then be had from others soon. */
  readonly openSeconds: number;
  /** What they ask for before anything has arrived, and never less: a block of each neighbour or so. */
  readonly openBytesFirst: number;
  /** Bounds of the share above: never so little that links idle, never so much that memory shows it. */
  readonly openBytesMin: number;
  readonly openBytesMax: number;
  /** Started pieces, those being hashed and written included: a crash loses these. */
  readonly activeShareMax: number;
  /** Bounds of the share above: one piece must not wait for the disk with the next, and memory is finite. */
  readonly activePiecesMin: number;
  /** Nobody minds to fetch this much again. */
  readonly activeBytesMin: number;
  readonly activeBytesMax: number;
  /** Pieces that may wait for the disk while links go on with others. */
  readonly settlingPieces: number;
  /** How often silence is looked at while anything is asked for. */
  readonly patienceTickMs: number;
  /** In order is what a stock client does that plays what it fetches: it is here to be compared with. */
  readonly pickOrder: PickOrder;
  /** Whether what little is left is asked of a second link as well; without it one slow link holds up the end. */
  readonly asksRivals: boolean;
}

/** For pieces so short that every message about one shows. */
export const DOWNLOAD_CONFIG: DownloadConfig = {
  windowSeconds: 0.2,
  windowBlocksMin: 1,
  windowBlocksMax: 128,
  openShareMax: 1 / 64,
  openSeconds: 0.02,
  openBytesFirst: 64 * 1024,
  openBytesMin: MIB,
  openBytesMax: 8 * MIB,
  activeShareMax: 1 / 50,
  activePiecesMin: 4,
  activeBytesMin: 2 * MIB,
  activeBytesMax: 48 * MIB,
  settlingPieces: 2,
  scarceDelayMs: 20,
  plentyDelayMs: 1_000,
  plentyCopies: 2,
  scarceListenersMax: 5,
  patienceTickMs: 100,
  pickOrder: "rarest",
  asksRivals: true,
};

/** About one long piece a hundred messages cost less than a thousandth of its bytes. */
const LONG_PIECE_BYTES = 256 * 1024;
/** Everybody hears of a long piece nearly at once: while it is not known, links that could pass it on are idle. */
const LONG_PIECE_NEWS: NewsConfig = {
  scarceDelayMs: 2,
  plentyDelayMs: 20,
  plentyCopies: 10,
  scarceListenersMax: 10,
};

/** `pieceLength` in bytes. */
export function downloadConfigFor(pieceLength: number): DownloadConfig {
  return pieceLength < LONG_PIECE_BYTES ? DOWNLOAD_CONFIG : { ...DOWNLOAD_CONFIG, ...LONG_PIECE_NEWS };
}
