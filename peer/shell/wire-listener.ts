// What a remote says on its wire, as events of the two machines. Looks at what must be looked at before a machine may
// see it; decides nothing.
import { Bitfield } from "../../protocol/bitfield.ts";
import { NO_STRIPES } from "../../protocol/stripes.ts";
import type { DownloadEvent } from "../core/download-turn.ts";
import { readFeed } from "../core/feed-message.ts";
import type { LinkId } from "../core/geometry.ts";
import type { UploadEvent } from "../core/upload-events.ts";
import type { WireListener } from "./webtorrent-adapter.ts";

export interface Hearing {
  readonly link: LinkId;
  /** Of the torrent. */
  readonly pieceCount: number;
  /** Both sides know the fast extension. */
  readonly fast: boolean;
  /** For the download. */
  readonly tell: (event: DownloadEvent) => void;
  /** For the upload. */
  readonly ask: (event: UploadEvent) => void;
  readonly onReceived: (bytes: number) => void;
  /** The operating system took more of what was sent. */
  readonly onFlushed: () => void;
  readonly onNonsense: (reason: string) => void;
}

export function wireListener(hearing: Hearing): WireListener {
  const { link, pieceCount, fast, tell, ask } = hearing;
  const both = (event: DownloadEvent & UploadEvent): void => {
    tell(event);
    ask(event);
  };
  const onBitfield = (has: Bitfield | null): void => {
    if (has === null) hearing.onNonsense("claims pieces that do not exist");
    else both({ kind: "remote-bitfield", link, has });
  };
  return {
    onBitfield: (bytes) => onBitfield(Bitfield.fromBytes(bytes, pieceCount)),
    onHaveAll: () => onBitfield(Bitfield.full(pieceCount)),
    onHaveNone: () => onBitfield(new Bitfield(pieceCount)),
    onHave: (piece) => both({ kind: "remote-has", link, piece }),
    onChoke: () => tell({ kind: "choked", link, dropsRequests: !fast }),
    onUnchoke: () => tell({ kind: "unchoked", link }),
    onInterested: () => ask({ kind: "interested", link }),
    onPiece: (piece, offset, bytes) => {
      hearing.onReceived(bytes.length);
      tell({ kind: "block", link, piece, offset, bytes });
    },
    onReject: (piece, offset) => tell({ kind: "rejected", link, piece, offset }),
    onRequest: (piece, offset, length) => ask({ kind: "requested", link, piece, offset, length }),
    onCancel: (piece, offset, length) => ask({ kind: "cancelled", link, piece, offset, length }),
    onOther: (message) => {
      const wish = readFeed(message);
      if (wish?.kind === "feed") ask({ ...wish, link });
      if (wish?.kind !== "trees-off") return;
      ask({ kind: "feed", link, stripes: NO_STRIPES });
      tell({ ...wish, link });
    },
    onFlushed: hearing.onFlushed,
  };
}
