// The last lines of a program's output, cut to what a report may carry and freed of what could move a cursor.
import { open } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import { LOG_LINE_CHARS_MAX, LOG_TAIL_LINES_MAX } from "../../protocol/limits.ts";

/** Enough for the longest lines in UTF-8, and the first of them may be cut. */
const TAIL_BYTES_MAX = 4 * LOG_TAIL_LINES_MAX * LOG_LINE_CHARS_MAX;
/** What is left of control characters once colours and cursor moves are gone; a tab may stay. */
const CONTROL = /(?!\t)\p{Cc}/gu;

export interface OutputRange {
  readonly path: string;
  /** Where in the file this program's output begins. */
  readonly start: number;
}

/** At most LOG_TAIL_LINES_MAX lines, oldest first, none when the file is gone. */
export async function readLogTail(output: OutputRange): Promise<readonly string[]> {
  try {
    const file = await open(output.path, "r");
    try {
      const { size } = await file.stat();
      // The file was cut short while the program wrote: what is there now is newer than `start`.
      const start = size < output.start ? 0 : output.start;
      const from = Math.max(start, size - TAIL_BYTES_MAX);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      return tailOf(buffer.subarray(0, bytesRead).toString("utf8"));
    } finally {
      await file.close();
    }
  } catch {
    // A report without the log is better than no report.
    return [];
  }
}

export function tailOf(text: string): readonly string[] {
  const lines = text.split("\n").map((line) => stripVTControlCharacters(line).replace(CONTROL, "").trimEnd());
  return lines
    .filter((line) => line !== "")
    .slice(-LOG_TAIL_LINES_MAX)
    .map((line) => (line.length <= LOG_LINE_CHARS_MAX ? line : `${line.slice(0, LOG_LINE_CHARS_MAX - 1)}…`));
}
