// Every bound on what crosses a border between processes, with the reason for its value.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Grows when a receiver of the version before would misread or refuse something it may be sent. */
export const PROTOCOL_VERSION = 1;

/** Largest frame a node accepts: a stage order with the longest torrent and manifest and all neighbours. */
export const COORDINATOR_FRAME_BYTES_MAX = MIB;
/** Largest frame the coordinator accepts from a node: a hello with all apps and versions, less the log tails. */
export const NODE_FRAME_BYTES_MAX = MIB;
/** Deepest nesting in a frame; the deepest message, a hello, has 6 levels. */
export const FRAME_DEPTH_MAX = 8;
/** Values in one frame, keys included; the fullest hello has about 18 000. */
export const FRAME_VALUES_MAX = 32_768;

/** 32 768 hashes are 640 KiB of torrent, which fits one stage order. */
export const PIECES_MAX = 32_768;
/** One block of the BitTorrent wire protocol: a shorter piece cannot be asked for in parts. */
export const PIECE_LENGTH_MIN = 16 * KIB;
/** A piece is hashed and held in memory whole; longer ones also keep a node from sharing for too long. */
export const PIECE_LENGTH_MAX = 16 * MIB;
/** Torrent info dictionary: hashes of PIECES_MAX pieces and a few hundred bytes of keys. */
export const TORRENT_INFO_BYTES_MAX = 20 * PIECES_MAX + 1024;
/** 512 GiB: PIECES_MAX pieces of PIECE_LENGTH_MAX. */
export const ARTIFACT_BYTES_MAX = PIECES_MAX * PIECE_LENGTH_MAX;
/** Unpacked size a release may claim; guards arithmetic, the node's free disk is the real limit. */
export const UNPACKED_BYTES_MAX = 8 * ARTIFACT_BYTES_MAX;
/** More files than a whole system image has; guards the inodes and the time of unpacking. */
export const ARCHIVE_ENTRIES_MAX = 2_000_000;
/** POSIX PATH_MAX less room for the node's own prefix. */
export const ARCHIVE_PATH_BYTES_MAX = 3_072;
/** NAME_MAX of the file systems in use. */
export const ARCHIVE_NAME_BYTES_MAX = 255;
/** Deeper trees are not made by hand or by package managers, and cost a walk per entry. */
export const ARCHIVE_DEPTH_MAX = 64;

/** Length of a manifest's text: room for hooks and probes of some hundred arguments. */
export const MANIFEST_CHARS_MAX = 64 * KIB;
/** Publishers who sign the same release; more than a handful is a mistake. */
export const SIGNATURES_MAX = 8;
/** A hook is a program with a few arguments; what is longer belongs into a script in the release. */
export const ARGV_MAX = 64;
/** Longest path on Linux, and longer than any sensible argument. */
export const ARGUMENT_CHARS_MAX = 4_096;
/** Probes of one release; all run in every round on every node. */
export const PROBES_MAX = 16;
/** A hook that needs more than an hour is not part of a switch. */
export const HOOK_TIMEOUT_MS_MAX = 60 * 60_000;
/** A wave waits this long at most for one node. */
export const HEALTH_TIMEOUT_MS_MAX = 60 * 60_000;

/** Labels tell nodes apart; zone, rack, role and a few ports are common. */
export const LABELS_MAX = 32;
/** A label's value is a name, such as that of a data centre, not a text. */
export const LABEL_CHARS_MAX = 256;
/** Services on one machine; with VERSIONS_PER_APP_MAX it decides the size of a hello. */
export const APPS_PER_NODE_MAX = 64;
/** Installed releases a node tells of; it keeps far fewer. */
export const VERSIONS_PER_APP_MAX = 32;
/** Several times the degree that the swarm graph aims at, so that repairs always have room. */
export const NEIGHBOURS_MAX = 64;
/** Shares of the pieces that a link into another zone is asked for first: 8 for each of up to 12 zones, and room. */
export const FAR_PARTS_MAX = 128;
/** More links than a process can hold open; guards arithmetic. */
export const LINKS_TOLD_MAX = 100_000;
/** Ten times the largest fleet that one coordinator is meant for; guards arithmetic and answers. */
export const NODES_MAX = 100_000;
/** Sources and faults that are remembered of one release; a fleet with more offenders has one cause for them all. */
export const OFFENCES_PER_RELEASE_MAX = 64;
/** Whoever more nodes than this accuse of the same is known well enough; further ones are not counted. */
export const OFFENCE_ACCUSERS_MAX = 32;
/** Names a person reads before the rest becomes a number. */
export const OFFENCE_ACCUSERS_NAMED_MAX = 5;
/** Releases an inspection tells of: as many as a node fetches at once. */
export const INSPECTED_TORRENTS_MAX = 4;
/** All neighbours of a torrent, and the strangers it lets in. */
export const INSPECTED_LINKS_MAX = 96;
/** Missing pieces told of one by one: enough to see what they have in common. */
export const INSPECTED_MISSING_MAX = 8;
/** Names a person reads in one line. */
export const INSPECTED_SOURCES_MAX = 5;
/** Publisher keys that one node trusts: teams and a rotation of each. */
export const TRUSTED_KEYS_MAX = 16;

/** Last lines of a failed hook or service that travel with a report. */
export const LOG_TAIL_LINES_MAX = 20;
/** A long line of a stack trace; the rest is on the node. */
export const LOG_LINE_CHARS_MAX = 400;
/** USER@HOST of whoever asked for something, for people to read. */
export const OPERATOR_CHARS_MAX = 128;
/** One paragraph a person can read in a table. */
export const MESSAGE_CHARS_MAX = 1_000;

/** Shorter than the idle timeout of any proxy, and 1 000 nodes are then 200 small frames a second. */
export const HEARTBEAT_INTERVAL_MS = 5_000;
/** Three missed heartbeats: the node counts as offline. */
export const NODE_OFFLINE_AFTER_MS = 3 * HEARTBEAT_INTERVAL_MS;
/** A node silent this long after an activation order counts as lost, and a lost node as a failure. */
export const NODE_LOST_AFTER_MS = 60_000;
/** Three round trips over the slowest link in use, with a busy machine at each end. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Links open within a round trip or two; a GO that waits longer than this for one costs all the others more. */
export const GO_WAIT_MS = 2_000;
/** Several times GO_WAIT_MS: a node that was told to wait and hears nothing more has lost its coordinator. */
export const GO_MISSED_AFTER_MS = 10_000;
/** Fast enough for a moving bar; 1 000 nodes are then 2 000 frames a second while staging. */
export const PROGRESS_INTERVAL_MS = 500;
