// Frames kept for good: one of every kind as version 1 writes it, and those that once were, or could be, trouble.
// Each is a text file: lines that begin with # say what it is, the rest is the frame in hex digits.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export interface CorpusFrame {
  readonly name: string;
  /** Who may send it; `nobody` for frames that both sides must refuse. */
  readonly from: "coordinator" | "node" | "nobody";
  readonly frame: Uint8Array;
}

const folders = { coordinator: "coordinator", node: "node", nobody: "refused" } as const;

export function readCorpus(): readonly CorpusFrame[] {
  return (["coordinator", "node", "nobody"] as const).flatMap((from) => {
    const folder = path.join(import.meta.dirname, "corpus", folders[from]);
    return readdirSync(folder)
      .sort()
      .map((name) => ({ name, from, frame: parseFrame(readFileSync(path.join(folder, name), "utf8")) }));
  });
}

/** Throws when the text is not hex digits under comments. */
export function parseFrame(text: string): Uint8Array {
  const digits = text.replace(/^#.*$/gm, "").replace(/\s/g, "");
  if (!/^(?:[0-9a-f]{2})*$/.test(digits))
    throw new Error("a corpus file holds something else than hex digits");
  return Buffer.from(digits, "hex");
}

export function formatFrame(frame: Uint8Array, comment: string): string {
  const lines =
    Buffer.from(frame)
      .toString("hex")
      .match(/.{1,96}/g) ?? [];
  return [`# ${comment}`, ...lines, ""].join("\n");
}
