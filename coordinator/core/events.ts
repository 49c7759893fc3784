// What can happen to the coordinator, and what it can want done. Closed unions: the shell does exactly these.
import type {
  FleetEvent,
  LimitsRequest,
  RollbackRequest,
  RolloutRequest,
  StageRequest,
} from "../../protocol/api.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { Digest, NodeId, PublicKey, RolloutId } from "../../protocol/ids.ts";
import type { Artifact } from "../../protocol/manifest.ts";
import type { CoordinatorMessage, Hello, NodeMessage } from "../../protocol/messages.ts";
import type { Offence } from "../../protocol/offence.ts";
import type { PauseOrder } from "./pause.ts";
import type { ReleaseRecord, SavedRecord } from "./records.ts";

export type CoordinatorEvent =
  /** A node proved its key and is admitted. The shell has checked signature, token and protocol version. */
  | {
      readonly kind: "node-hello";
      readonly nodeId: NodeId;
      readonly publicKey: PublicKey;
      readonly hello: Hello;
      /** Address the node's connection comes from. */
      readonly remoteHost: string;
      /** Address of ours that the node reached: where it also finds the origin. */
      readonly localHost: string;
    }
  | {
      readonly kind: "node-message";
      readonly nodeId: NodeId;
      readonly message: Exclude<NodeMessage, { kind: "hello" | "inspection" }>;
    }
  | { readonly kind: "node-gone"; readonly nodeId: NodeId }
  /** The shell has checked signature, artifact bytes and torrent; the core decides whether the version is free. */
  | { readonly kind: "publish"; readonly release: Omit<ReleaseRecord, "publishedAt" | "standing"> }
  | { readonly kind: "start-stage"; readonly request: StageRequest }
  | { readonly kind: "start-rollout"; readonly request: RolloutRequest }
  | { readonly kind: "start-rollback"; readonly request: RollbackRequest }
  | { readonly kind: "set-paused"; readonly order: PauseOrder }
  | { readonly kind: "set-limits"; readonly request: LimitsRequest }
  /** Payload bytes the origin has sent of this artifact since it began to seed it. */
  | { readonly kind: "origin-progress"; readonly sha256: Digest; readonly uploadedBytes: number }
  /** The coordinator's own seeder has noticed it in the swarm of this artifact. */
  | { readonly kind: "origin-offence"; readonly sha256: Digest; readonly offence: Offence }
  | { readonly kind: "tick" };

export type CoordinatorEffect =
  /** All saves of one batch are committed in one transaction before any other effect of it runs. */
  | { readonly kind: "save"; readonly record: SavedRecord }
  | { readonly kind: "history"; readonly event: FleetEvent }
  | { readonly kind: "send"; readonly nodeId: NodeId; readonly message: CoordinatorMessage }
  /** Close this node's session after telling it why. */
  | { readonly kind: "refuse"; readonly nodeId: NodeId; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "seed"; readonly artifact: Artifact; readonly torrentInfo: string }
  | { readonly kind: "stop-seeding"; readonly sha256: Digest }
  /** Answer to a start-* or set-paused event: this rollout now exists, or did already and is what was asked for. */
  | { readonly kind: "started"; readonly rolloutId: RolloutId }
  | { readonly kind: "rollout-changed"; readonly rolloutId: RolloutId };
