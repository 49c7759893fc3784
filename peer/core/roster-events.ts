// The vocabulary of a roster: what can happen to the connections of a torrent, and what is to be done about them.
import type { FarShare, Neighbour } from "../../protocol/messages.ts";
import type { StripeSet } from "../../protocol/stripes.ts";
import type { Contact } from "./dht-message.ts";
import type { LinkId } from "./geometry.ts";

export type RosterEvent =
  /** Until the first list everybody is let in: the origin never gets one. */
  | { readonly kind: "neighbours"; readonly neighbours: readonly Neighbour[] }
  /** A connection came in and has said what it wants; `address` without a port. Answered with `accept` or `refuse`. */
  | { readonly kind: "arrived"; readonly link: LinkId; readonly id: string | null; readonly address: string }
  /** A dialled neighbour answered with its handshake. Answered with `accept` or `refuse`. */
  | {
      readonly kind: "dialled";
      readonly link: LinkId;
      readonly neighbourId: string;
      readonly id: string | null;
    }
  | { readonly kind: "dial-failed"; readonly neighbourId: string }
  /** An accepted link is gone, for whatever reason. */
  | { readonly kind: "closed"; readonly link: LinkId }
  | { readonly kind: "banned"; readonly source: string }
  /** Perhaps nodes of this swarm, while the coordinator is away; any list of neighbours ends their being dialled. */
  | { readonly kind: "found"; readonly contacts: readonly Contact[] }
  | { readonly kind: "forget-found" }
  | { readonly kind: "tick" };

export type RosterEffect =
  | { readonly kind: "dial"; readonly neighbour: Neighbour }
  | {
      readonly kind: "accept";
      readonly link: LinkId;
      readonly source: string;
      readonly isOrigin: boolean;
      /** Null unless it leads into another zone. */
      readonly far: FarShare | null;
      /** Stripes it is to bring without being asked. */
      readonly feeds: StripeSet;
    }
  /** An accepted link is to bring these stripes from now on, and no others. */
  | { readonly kind: "feeds"; readonly link: LinkId; readonly feeds: StripeSet }
  /** An accepted link leads into another zone now, or not any more, or has another share. */
  | { readonly kind: "far"; readonly link: LinkId; readonly far: FarShare | null }
  | { readonly kind: "refuse"; readonly link: LinkId; readonly reason: string }
  /** Close an accepted link; `closed` follows. */
  | { readonly kind: "close"; readonly link: LinkId; readonly reason: string };
