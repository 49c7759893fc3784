// Reads a tarball from front to back under the archive rules: decompress, parse, ask the rules, hand on.
// Writes nothing itself; memory does not grow with the archive, only with its number of names.
import { type ErrorCode, FleetError } from "../../protocol/errors.ts";
import { ARCHIVE_ENTRIES_MAX, UNPACKED_BYTES_MAX } from "../../protocol/limits.ts";
import type { Compression } from "../../protocol/manifest.ts";
import { type ArchiveEntry, ArchiveRules } from "../core/archive-rules.ts";
import { decompress } from "./compression.ts";
import { type TarEvent, TarReader } from "./tar-reader.ts";

export interface ArchiveTotals {
  /** Bytes of the decompressed tar stream, its end mark and padding included. */
  readonly unpackedLength: number;
  /** Entries in the archive; the headers that only describe another entry do not count. */
  readonly entryCount: number;
}

/** Called in archive order, and awaited before the archive is read on. `content` is valid only during the call. */
export interface ArchiveVisitor {
  entry(entry: ArchiveEntry): Promise<void> | void;
  content(bytes: Uint8Array): Promise<void> | void;
  entryEnd(): Promise<void> | void;
}

export interface ArchiveCaps extends ArchiveTotals {
  /** What it means when the archive holds more than this. */
  readonly code: ErrorCode;
}

const LIMITS: ArchiveCaps = {
  unpackedLength: UNPACKED_BYTES_MAX,
  entryCount: ARCHIVE_ENTRIES_MAX,
  code: "archive-too-large",
};

const NOTHING: ArchiveVisitor = { entry: () => {}, content: () => {}, entryEnd: () => {} };

/**
 * Reads a whole tarball without writing anything and tells its size. `source` is read to its end.
 * Throws FleetError archive-not-tar, archive-corrupt, archive-unsafe or archive-too-large; errors of `source` and
 * the reason of `signal` pass through.
 */
export function inspectArchive(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  signal?: AbortSignal,
): Promise<ArchiveTotals> {
  return walkArchive(source, NOTHING, { compression, caps: LIMITS, ...(signal && { signal }) });
}

/** As {@link inspectArchive}, for someone who does something with the entries, and with caps of their own. */
export async function walkArchive(
  source: AsyncIterable<Uint8Array>,
  visitor: ArchiveVisitor,
  options: { readonly compression: Compression; readonly caps: ArchiveCaps; readonly signal?: AbortSignal },
): Promise<ArchiveTotals> {
  const { caps, signal } = options;
  const reader = new TarReader();
  const rules = new ArchiveRules();
  let unpackedLength = 0;
  let entryCount = 0;
  for await (const chunk of decompress(source, options.compression)) {
    signal?.throwIfAborted();
    unpackedLength += chunk.length;
    if (unpackedLength > caps.unpackedLength) throw excess(caps, `${caps.unpackedLength} bytes`);
    for (const event of reader.push(chunk)) {
      if (event.kind === "entry") entryCount += 1;
      if (entryCount > caps.entryCount) throw excess(caps, `${caps.entryCount} entries`);
      await visit(visitor, rules, event);
    }
  }
  signal?.throwIfAborted();
  reader.finish();
  return { unpackedLength, entryCount };
}

function visit(visitor: ArchiveVisitor, rules: ArchiveRules, event: TarEvent): Promise<void> | void {
  switch (event.kind) {
    case "entry":
      return visitor.entry(rules.admit(event.header));
    case "content":
      return visitor.content(event.bytes);
    case "entry-end":
      return visitor.entryEnd();
  }
}

function excess(caps: ArchiveCaps, amount: string): FleetError {
  return new FleetError(caps.code, `the archive unpacks to more than ${amount}`);
}
