// Entries in a tar stream that describe the entry after them: pax records and GNU long names.
// Keeps only what changes where, what and how much is unpacked; owners and extended attributes are never applied.
import { FleetError } from "../../protocol/errors.ts";
import { utf8Name } from "./utf8-name.ts";

/** What the extensions in front of an entry say about it. */
export interface EntryOverrides {
  readonly path?: string;
  readonly linkPath?: string;
  readonly size?: number;
  readonly mtimeSeconds?: number;
  /** The content is a map of holes rather than the file itself. */
  readonly sparse?: boolean;
}

export type ExtensionType = "pax" | "pax-global" | "gnu-long-path" | "gnu-long-link";

/** Throws FleetError archive-corrupt for records that do not parse, archive-unsafe for names that are not UTF-8. */
export function readExtension(type: ExtensionType, body: Uint8Array): EntryOverrides {
  switch (type) {
    case "gnu-long-path":
      return { path: terminatedText(body) };
    case "gnu-long-link":
      return { linkPath: terminatedText(body) };
    case "pax":
      return readPaxRecords(body);
    case "pax-global": {
      // A comment, as `git archive` writes, is harmless; renaming every later entry has no honest use.
      const overrides = readPaxRecords(body);
      if (Object.keys(overrides).some((key) => key !== "mtimeSeconds"))
        throw new FleetError("archive-unsafe", "a global pax header gives names or sizes to all entries");
      return {};
    }
  }
}

/** A NUL-terminated field as text. Throws FleetError archive-unsafe unless it is UTF-8. */
export function terminatedText(field: Uint8Array): string {
  const end = field.indexOf(0);
  return utf8Name(end === -1 ? field : field.subarray(0, end));
}

function readPaxRecords(body: Uint8Array): EntryOverrides {
  let overrides: EntryOverrides = {};
  let rest = body;
  while (rest.length > 0) {
    const length = paxRecordLength(rest);
    const record = utf8Name(rest.subarray(0, length));
    const separator = record.indexOf("=");
    if (separator === -1 || !record.endsWith("\n")) throw corruptPax();
    const key = record.slice(record.indexOf(" ") + 1, separator);
    overrides = { ...overrides, ...paxOverride(key, record.slice(separator + 1, -1)) };
    rest = rest.subarray(length);
  }
  return overrides;
}

/** The decimal count that opens a record and covers all of it, the digits included. */
function paxRecordLength(rest: Uint8Array): number {
  const digits = /^([1-9][0-9]{0,7}) /.exec(Buffer.from(rest.subarray(0, 9)).toString("latin1"))?.[1];
  const length = Number(digits);
  if (digits === undefined || length > rest.length || length < digits.length + 3) throw corruptPax();
  return length;
}

function paxOverride(key: string, value: string): EntryOverrides {
  // An empty value takes an earlier one back: the plain header holds again.
  if (value === "") return {};
  if (key.startsWith("GNU.sparse.")) return { sparse: true };
  switch (key) {
    case "path":
      return { path: value };
    case "linkpath":
      return { linkPath: value };
    case "size":
      if (!/^[0-9]{1,15}$/.test(value)) throw corruptPax();
      return { size: Number(value) };
    case "mtime":
      if (!/^-?[0-9]{1,15}(\.[0-9]*)?$/.test(value)) throw corruptPax();
      return { mtimeSeconds: Number(value) };
    default:
      return {};
  }
}

function corruptPax(): FleetError {
  return new FleetError("archive-corrupt", "a pax header of the archive is damaged");
}
