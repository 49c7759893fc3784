// Every bound the coordinator puts on its network, its memory and its disk, with the reason for its value.
// What crosses the wire is bounded in protocol/limits.ts; this is what the process itself allows.
import { HANDSHAKE_TIMEOUT_MS, HEARTBEAT_INTERVAL_MS, NODE_OFFLINE_AFTER_MS } from "../../protocol/limits.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export const SHELL_LIMITS = {
  /** Sockets at once, nodes and operators together: twice the largest fleet that one coordinator is meant for. */
  connectionsMax: 20_000,
  /** A whole site may sit behind one address, and a demo or a load test behind loopback. */
  connectionsPerAddressMax: 4_096,
  /** A request's head fits one packet; a client that dribbles it is an attack. */
  headersTimeoutMs: 10_000,
  headersMax: 100,
  headerBytesMax: 16 * KIB,
  /** Outer bound on one request; uploads have an idle timeout of their own, and 512 GiB at 50 Mbit/s take a day. */
  requestTimeoutMs: 24 * 60 * 60_000,
  /** Longest that a JSON body may take to arrive. */
  bodyTimeoutMs: 30_000,
  /** A publish request carries at most 874 KiB of torrent and 64 KiB of manifest, escaped. */
  jsonBodyBytesMax: 2 * MIB,
  /** How long a refused upload is still read, so that its sender sees the answer before the connection ends. */
  lingerMs: 2_000,
  /** Wrong tokens from one address before they are answered without a look: a person mistypes a few. */
  authFailuresBurst: 20,
  authFailuresPerSecond: 0.2,
  /** Addresses remembered with a recent failure; the oldest is forgotten first. */
  authAddressesMax: 10_000,
  /** Uploads share one disk; more at once only makes each slower. */
  uploadsMax: 4,
  /** An upload that sends nothing for this long has lost its sender. */
  uploadIdleTimeoutMs: 60_000,
  /** Kept free on the disk for the database and the log. */
  diskReserveBytes: 64 * MIB,
  /** Uploads that no release refers to are removed at a start when older than this: a publish takes minutes. */
  orphanArtifactAgeMs: 24 * 60 * 60_000,
  /** Checking a release reads the whole artifact from disk and hashes it on the one main thread. */
  publishesMax: 2,
  watchersMax: 256,
  /** A watcher this far behind is dropped; it may come back and ask for the events it missed. */
  watchBufferBytesMax: 4 * MIB,
  /** Faster views than 4 a second help nobody who looks at them. */
  watchIntervalMs: 250,
  /** Proxies commonly cut a stream that is silent for 30 to 60 seconds. */
  watchKeepAliveMs: 15_000,
  /** Sent by all who have not said who they are: the hellos of a thousand nodes with 16 KiB each at once. */
  strangerBytesMax: 16 * MIB,
  handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  offlineAfterMs: NODE_OFFLINE_AFTER_MS,
  heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
  /** A frame of the largest size is 64 segments even over a link with 4 KiB packets. */
  frameFragmentsMax: 64,
  frameChunksMax: 4_096,
  /** Messages a node may send in a burst: what piles up in ten stages while we are paused for a minute. */
  messagesBurst: 2_000,
  messagesPerSecond: 100,
  /** A long frame costs one message more per this many bytes, so that a node cannot keep us busy with large ones. */
  messageBytesPerToken: 4 * KIB,
  /** Orders that wait for one node's link; a node has a few stages and one activation at a time. */
  outboxMessagesMax: 1_000,
  /** Encoded orders handed to the kernel and not yet taken by it, for one node: one largest frame. */
  nodeBytesInFlightMax: MIB,
  /** The same for all nodes: the GO of a large torrent to 1 000 nodes must not become 600 MiB of buffers. */
  fleetBytesInFlightMax: 64 * MIB,
  /** A node that reads nothing of an order for this long is as good as gone. */
  sendStallMs: 60_000,
  /** Events that wait for the loop; beyond, new connections and requests are turned away. */
  queueEventsMax: 100_000,
  /** Events that share one commit: an fsync of some milliseconds is then spread over them. */
  batchEventsMax: 1_024,
  /** Sockets are not served while a batch is handled; a heartbeat can wait this long. */
  batchMsMax: 50,
  /** Newest events kept: a rollout writes four or five per node. */
  historyEventsMax: 10_000,
  /** Events in one answer of GET /v1/events. */
  historyAnswerMax: 1_000,
  originProgressIntervalMs: 500,
  /** How long a graceful stop waits for requests and closing handshakes. */
  closeGraceMs: 3_000,
};

export type ShellLimits = Readonly<typeof SHELL_LIMITS>;
