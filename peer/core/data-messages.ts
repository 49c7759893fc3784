// The messages a release travels in, to and from bytes: which pieces a node has, what it asks for, blocks. They are all
// but a handful of a swarm's messages; see docs/decisions/0020-data-messages.md for why they skip WebTorrent's wire.

const HAVE = 4;
const REQUEST = 6;
const PIECE = 7;
/** Piece index and offset in front of a block, and the kind. */
export const PIECE_HEAD_BYTES = 9;

export interface DataListener {
  onHave(piece: number): void;
  onRequest(piece: number, offset: number, length: number): void;
  /** The bytes hold good until this returns. */
  onPiece(piece: number, offset: number, bytes: Uint8Array): void;
}

/** Reads whole messages that the wire guard has let through, in order. `pass` gets runs of all the other messages. */
export function readDataMessages(
  bytes: Uint8Array,
  listener: DataListener,
  pass: (messages: Uint8Array) => void,
): void {
  let passFrom = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + readUint32(bytes, at);
    const kind = end === at + 4 ? null : bytes[at + 4];
    if (kind === HAVE || kind === REQUEST || kind === PIECE) {
      if (passFrom < at) pass(bytes.subarray(passFrom, at));
      tell(listener, kind, bytes, { at: at + 5, end });
      passFrom = end;
    }
    at = end;
  }
  if (passFrom < bytes.length) pass(bytes.subarray(passFrom));
}

function tell(
  listener: DataListener,
  kind: number,
  bytes: Uint8Array,
  { at, end }: { readonly at: number; readonly end: number },
): void {
  const piece = readUint32(bytes, at);
  if (kind === HAVE) return listener.onHave(piece);
  const offset = readUint32(bytes, at + 4);
  if (kind === PIECE) return listener.onPiece(piece, offset, bytes.subarray(at + 8, end));
  listener.onRequest(piece, offset, readUint32(bytes, at + 8));
}

export function haveMessage(piece: number): Uint8Array {
  return message(HAVE, { numberCount: 1, bytesBehind: 0 }, piece);
}

export function requestMessage(piece: number, offset: number, length: number): Uint8Array {
  const bytes = message(REQUEST, { numberCount: 3, bytesBehind: 0 }, piece);
  writeUint32(bytes, 9, offset);
  writeUint32(bytes, 13, length);
  return bytes;
}

/** What goes in front of a block of `length` bytes. */
export function pieceHead(piece: number, offset: number, length: number): Uint8Array {
  const bytes = message(PIECE, { numberCount: 2, bytesBehind: length }, piece);
  writeUint32(bytes, 9, offset);
  return bytes;
}

/** Its length, its kind, and the first of its numbers. */
function message(
  kind: number,
  { numberCount, bytesBehind }: { readonly numberCount: number; readonly bytesBehind: number },
  piece: number,
): Uint8Array {
  const bytes = new Uint8Array(5 + 4 * numberCount);
  writeUint32(bytes, 0, 1 + 4 * numberCount + bytesBehind);
  bytes[4] = kind;
  writeUint32(bytes, 5, piece);
  return bytes;
}

/** Big-endian. Four byte reads cost a fraction of a view made for one number. */
export function readUint32(bytes: Uint8Array, at: number): number {
  const low = ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return (bytes[at] ?? 0) * 0x100_0000 + low;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
