// The vocabulary of an upload: what can happen to it, and what it can ask for.
import type { Bitfield } from "../../protocol/bitfield.ts";
import type { Fault } from "../../protocol/offence.ts";
import type { StripeSet } from "../../protocol/stripes.ts";
import type { LinkId } from "./geometry.ts";

export type UploadEvent =
  /**
   * `fast`: understands a reject. `acknowledges`: says that it has a piece also to who sent it. `isFar`: leads into
   * another zone; without it, it does not.
   */
  | {
      readonly kind: "link-open";
      readonly link: LinkId;
      readonly fast: boolean;
      readonly acknowledges: boolean;
      readonly isFar?: boolean;
    }
  | { readonly kind: "link-closed"; readonly link: LinkId }
  | { readonly kind: "link-far"; readonly link: LinkId; readonly isFar: boolean }
  /** The remote wants something. Stock clients miss an unchoke that comes together with our handshake. */
  | { readonly kind: "interested"; readonly link: LinkId }
  | ({ readonly kind: "requested" } & UploadOrder)
  | ({ readonly kind: "cancelled" } & UploadOrder)
  /** The socket took this many bytes of blocks that were sent. */
  | { readonly kind: "sent"; readonly link: LinkId; readonly bytes: number }
  /** The remote says that it has a piece: it need not be sent any more, and has arrived if it was. */
  | { readonly kind: "remote-has"; readonly link: LinkId; readonly piece: number }
  /** What the remote has, before anything else about it. */
  | { readonly kind: "remote-bitfield"; readonly link: LinkId; readonly has: Bitfield }
  /** The remote wants these stripes as they come, and no others. */
  | { readonly kind: "feed"; readonly link: LinkId; readonly stripes: StripeSet }
  /** One more piece is here, and in `verified`. */
  | { readonly kind: "gained"; readonly piece: number }
  | { readonly kind: "tick" };

export interface UploadOrder {
  readonly link: LinkId;
  readonly piece: number;
  readonly offset: number;
  readonly length: number;
}

export type UploadEffect =
  | ({ readonly kind: "send" } & UploadOrder)
  /** Tell a remote with the fast extension that this will not come. */
  | ({ readonly kind: "reject" } & UploadOrder)
  | { readonly kind: "unchoke"; readonly link: LinkId }
  /** For what the remote did: its link ends, and people are told. */
  | { readonly kind: "close-link"; readonly link: LinkId; readonly fault: Fault; readonly reason: string };
