// What can happen to the staging of releases and what it can want done. Closed unions: the shell does exactly these.
import type { Generation } from "../../protocol/ids.ts";
import type { Manifest, ReleaseRef } from "../../protocol/manifest.ts";
import type { Neighbour, NodeMessage, StageOrder } from "../../protocol/messages.ts";

export interface Transfer {
  readonly verifiedBytes: number;
  readonly receivedBytes: number;
  readonly uploadedBytes: number;
}

export type StagingEvent =
  /** A stage order whose signature, torrent and labels hold. */
  | {
      readonly kind: "order";
      readonly order: StageOrder;
      readonly manifest: Manifest;
      readonly installed: boolean;
      /** The tarball is still here, so it can be served. */
      readonly tarball: boolean;
    }
  /** A stage order that must not be carried out. */
  | {
      readonly kind: "refused";
      readonly generation: Generation;
      readonly release: ReleaseRef;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly kind: "neighbours";
      readonly generation: Generation;
      readonly release: ReleaseRef;
      readonly neighbours: readonly Neighbour[];
    }
  | { readonly kind: "go"; readonly generation: Generation; readonly release: ReleaseRef }
  | {
      readonly kind: "pause";
      readonly generation: Generation;
      readonly release: ReleaseRef;
      readonly paused: boolean;
    }
  | { readonly kind: "stop-serving"; readonly generation: Generation; readonly release: ReleaseRef }
  /** All pieces are there and the whole SHA-256 holds. */
  | { readonly kind: "verified"; readonly attempt: number; readonly transfer: Transfer }
  /** Unpacked and in its place under versions/. */
  | { readonly kind: "installed"; readonly attempt: number; readonly transfer: Transfer }
  | {
      readonly kind: "failed";
      readonly attempt: number;
      readonly code: string;
      readonly message: string;
      /** The tarball on disk is wrong and must not be used again. */
      readonly spoiled: boolean;
    }
  | {
      readonly kind: "sampled";
      readonly attempt: number;
      readonly transfer: Transfer;
      readonly receiveBytesPerSecond: number;
      /** Open links of its torrent. */
      readonly links: number;
    }
  /** The coordinator has welcomed this node (again): it may have missed results. */
  | { readonly kind: "online" }
  | { readonly kind: "tick" };

export type StagingEffect =
  /** Join the swarm, get every piece, check the whole: answered with `verified` or `failed`. */
  | {
      readonly kind: "fetch";
      readonly attempt: number;
      readonly order: StageOrder;
      readonly manifest: Manifest;
      /** Open links and ask for nothing yet. */
      readonly paused: boolean;
    }
  /** Join the swarm with a tarball that is complete. Never answered, except with `failed`. */
  | {
      readonly kind: "serve";
      readonly attempt: number;
      readonly order: StageOrder;
      readonly manifest: Manifest;
    }
  /** Unpack it into place: answered with `installed` or `failed`. */
  | {
      readonly kind: "install";
      readonly attempt: number;
      readonly order: StageOrder;
      readonly manifest: Manifest;
    }
  | { readonly kind: "set-neighbours"; readonly attempt: number; readonly neighbours: readonly Neighbour[] }
  | { readonly kind: "set-paused"; readonly attempt: number; readonly paused: boolean }
  /** Answered at once with `sampled`, unless it has not joined yet. */
  | { readonly kind: "sample"; readonly attempt: number }
  /** Leave the swarm and stop whatever runs for this attempt. */
  | {
      readonly kind: "leave";
      readonly attempt: number;
      readonly release: ReleaseRef;
      readonly discard: boolean;
    }
  /** Note the order, so that a restart goes on with it also while the coordinator is away. */
  | { readonly kind: "note"; readonly order: StageOrder }
  /** It is over: strike the note. */
  | { readonly kind: "strike-note"; readonly release: ReleaseRef }
  /** Delete what is left of a tarball that no stage uses. */
  | { readonly kind: "discard"; readonly release: ReleaseRef }
  | { readonly kind: "send"; readonly message: NodeMessage };
