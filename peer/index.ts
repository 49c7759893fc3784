// What the other parts may use of the peer.
export { ArchiveRules, type EntryType } from "./core/archive-rules.ts";
export { type ArchiveTotals, inspectArchive } from "./shell/archive.ts";
export { COMPRESSION_HEAD_BYTES, detectCompression } from "./shell/compression.ts";
export { checkDiskSpace, diskError, errnoOf } from "./shell/disk-errors.ts";
export { syncDirectory } from "./shell/files.ts";
export type { Peer, PeerOptions } from "./shell/peer.ts";
export { removeTree } from "./shell/remove-tree.ts";
export { startPeer } from "./shell/start-peer.ts";
export { openSwarm } from "./shell/swarm.ts";
export { checksumOf, TAR_BLOCK_BYTES } from "./shell/tar-header.ts";
export {
  checkTorrentInfo,
  encodeTorrentInfo,
  infoHashOf,
  PIECE_HASH_BYTES,
  readTorrentInfo,
  type TorrentInfo,
} from "./shell/torrent-info.ts";
export { type UnpackOptions, unpackArchive } from "./shell/unpack.ts";
export { utf8Name } from "./shell/utf8-name.ts";
