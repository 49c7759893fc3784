// base64url without padding (RFC 4648 §5) for code that has no Buffer: cores.
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES = new Map([...ALPHABET].map((character, value) => [character, value]));

/** Throws RangeError for a character outside the alphabet or an impossible length. */
export function decodeBase64Url(text: string): Uint8Array {
  if (text.length % 4 === 1) throw new RangeError("base64url text of impossible length");
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let buffer = 0;
  let bufferedBits = 0;
  let offset = 0;
  for (const character of text) {
    const value = VALUES.get(character);
    if (value === undefined) throw new RangeError("not base64url");
    buffer = ((buffer << 6) | value) & 0xffff;
    bufferedBits += 6;
    if (bufferedBits < 8) continue;
    bufferedBits -= 8;
    bytes[offset] = (buffer >> bufferedBits) & 0xff;
    offset += 1;
  }
  return bytes;
}
