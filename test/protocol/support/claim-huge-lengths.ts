// Decodes frames whose headers claim far more than they hold, in a process of its own with a small heap. Prints how
// many were refused; a decoder that believes a header runs out of memory here. Run by ../shell/frame-shape.test.ts.
import { tryDecode } from "./frames.ts";

/** Heads of the long formats, and how many bytes of length follow each. */
const HEADS: readonly (readonly [format: number, width: number])[] = [
  [0xc5, 2],
  [0xc6, 4],
  [0xda, 2],
  [0xdb, 4],
  [0xdc, 2],
  [0xdd, 4],
  [0xde, 2],
  [0xdf, 4],
];
const CLAIMS = [0xff, 0x7fff, 0xffff, 0x00ff_ffff, 0x7fff_ffff, 0xffff_ffff];
/** As many bytes as a frame may have, so that a header's claim can come close to what is there. */
const BODIES = [0, 3, 1_000_000].map((length) => Buffer.alloc(length, 0xdd));

let refused = 0;
for (const [format, width] of HEADS) {
  for (const claim of CLAIMS) {
    const header = Buffer.alloc(1 + width, format);
    header.writeUIntBE(claim % 2 ** (8 * width), 1, width);
    for (const body of BODIES) {
      // Alone, in a list, as a key, as the value of `kind`, and as a list of the same again.
      const kind = Buffer.from("81a46b696e64", "hex");
      for (const before of [
        Buffer.of(),
        Buffer.of(0x91),
        Buffer.of(0x81),
        kind,
        Buffer.of(0xdc, 0xff, 0xff),
      ]) {
        const frame = Buffer.concat([before, header, header, body]);
        if (tryDecode("node", frame) === null && tryDecode("coordinator", frame) === null) refused += 1;
      }
    }
  }
}
process.stdout.write(`${refused} frames refused\n`);
