// Every bound on what crosses a border between processes, with the reason for its value.

const KIB = 1024;
const MIB = 1024 * KIB;

export const PROTOCOL_VERSION = 1;

/** Largest frame a node accepts: an assignment with the torrent of MAX_PIECES pieces (20 bytes each) and 64 neighbours. */
export const COORDINATOR_FRAME_BYTES_MAX = MIB;
/** Largest frame the coordinator accepts from a node: a hello with APPS_PER_NODE_MAX apps fits several times over. */
export const NODE_FRAME_BYTES_MAX = 256 * KIB;
/** Deepest nesting in a frame; the deepest message has 5 levels. */
export const FRAME_DEPTH_MAX = 8;
/** Values in one frame; a hello with all apps and versions stays under 10 000. */
export const FRAME_VALUES_MAX = 32_768;

/** 32 768 hashes are 640 KiB of torrent, which fits one assignment frame. */
export const PIECES_MAX = 32_768;
export const PIECE_LENGTH_MIN = 16 * KIB;
export const PIECE_LENGTH_MAX = 16 * MIB;
/** Torrent info dictionary: hashes of PIECES_MAX pieces and a few hundred bytes of keys. */
export const TORRENT_INFO_BYTES_MAX = 20 * PIECES_MAX + 1024;
/** 512 GiB: PIECES_MAX pieces of PIECE_LENGTH_MAX. */
export const ARTIFACT_BYTES_MAX = PIECES_MAX * PIECE_LENGTH_MAX;
/** Unpacked size a release may claim; guards arithmetic, the node's free disk is the real limit. */
export const UNPACKED_BYTES_MAX = 8 * ARTIFACT_BYTES_MAX;
export const ARCHIVE_ENTRIES_MAX = 2_000_000;
/** POSIX PATH_MAX less room for the node's own prefix. */
export const ARCHIVE_PATH_BYTES_MAX = 3_072;
export const ARCHIVE_NAME_BYTES_MAX = 255;
export const ARCHIVE_DEPTH_MAX = 64;

export const MANIFEST_BYTES_MAX = 64 * KIB;
export const SIGNATURES_MAX = 8;
export const ARGV_MAX = 64;
export const ARGUMENT_CHARS_MAX = 4_096;
export const PROBES_MAX = 16;
export const HOOK_TIMEOUT_MS_MAX = 60 * 60_000;
export const HEALTH_TIMEOUT_MS_MAX = 60 * 60_000;

export const LABELS_MAX = 32;
export const APPS_PER_NODE_MAX = 64;
export const VERSIONS_PER_APP_MAX = 32;
export const NEIGHBOURS_MAX = 64;
export const NODES_MAX = 100_000;
export const TRUSTED_KEYS_MAX = 16;

/** Last lines of a failed hook or service that travel with a report. */
export const LOG_TAIL_LINES_MAX = 20;
export const LOG_LINE_CHARS_MAX = 400;
export const MESSAGE_CHARS_MAX = 1_000;

export const HEARTBEAT_INTERVAL_MS = 5_000;
/** Three missed heartbeats: the node counts as offline. */
export const NODE_OFFLINE_AFTER_MS = 3 * HEARTBEAT_INTERVAL_MS;
/** A node silent this long after an activation order counts as lost, and a lost node as a failure. */
export const NODE_LOST_AFTER_MS = 60_000;
export const HANDSHAKE_TIMEOUT_MS = 10_000;
export const PROGRESS_INTERVAL_MS = 500;
