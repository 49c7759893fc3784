// What a path inside an archive may look like, and when two names are the same to some file system.
// Owns text only: it never decides about entries, types or links.
import { FleetError } from "../../protocol/errors.ts";
import { ARCHIVE_DEPTH_MAX, ARCHIVE_NAME_BYTES_MAX, ARCHIVE_PATH_BYTES_MAX } from "../../protocol/limits.ts";

/** Characters of a hostile name that a message repeats; the rest would only hide the reason behind it. */
const QUOTED_CHARS_MAX = 200;

/** The entry's name as a message shows it: one line, control characters escaped, never long. */
export function quoteName(name: string): string {
  const cut = name.length > QUOTED_CHARS_MAX ? `${name.slice(0, QUOTED_CHARS_MAX)}…` : name;
  return JSON.stringify(cut);
}

/**
 * The segments of a relative path, without the `.` and empty ones: `./a//b/` is `a`, `b`, and `./` is the root.
 * `subject` opens the message of a refusal, e.g. `entry "a"`. `..` stays in: see {@link entrySegments}.
 * Throws FleetError archive-unsafe, or archive-too-large over a limit.
 */
export function relativeSegments(path: string, subject: string): readonly string[] {
  if (path === "") throw unsafe(subject, "is empty");
  if (utf8Length(path) > ARCHIVE_PATH_BYTES_MAX)
    throw tooLarge(subject, `is longer than ${ARCHIVE_PATH_BYTES_MAX} bytes`);
  if (path.includes("\0")) throw unsafe(subject, "contains a NUL");
  // A separator and an escape on other systems; nothing portable needs it in a name.
  if (path.includes("\\")) throw unsafe(subject, "contains a backslash");
  if (path.startsWith("/")) throw unsafe(subject, "is absolute");
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (/^[A-Za-z]:/.test(segments[0] ?? "")) throw unsafe(subject, "starts with a drive letter");
  if (segments.length > ARCHIVE_DEPTH_MAX)
    throw tooLarge(subject, `is more than ${ARCHIVE_DEPTH_MAX} levels deep`);
  if (segments.some((segment) => utf8Length(segment) > ARCHIVE_NAME_BYTES_MAX))
    throw tooLarge(subject, `has a part longer than ${ARCHIVE_NAME_BYTES_MAX} bytes`);
  return segments;
}

/** As {@link relativeSegments} for the place of an entry, where `..` has no honest use. */
export function entrySegments(path: string, subject: string): readonly string[] {
  const segments = relativeSegments(path, subject);
  if (segments.includes("..")) throw unsafe(subject, 'contains ".."');
  return segments;
}

/**
 * Names with the same key are one file on a file system that ignores letter case or Unicode form.
 * Upper case first, because it spells out what lower case keeps apart: `ß` and `ss`, `ſ` and `s`.
 */
export function collisionKey(segment: string): string {
  return segment.toUpperCase().toLowerCase().normalize("NFC");
}

export function unsafe(subject: string, why: string): FleetError {
  return new FleetError("archive-unsafe", `${subject} ${why}`);
}

export function tooLarge(subject: string, why: string): FleetError {
  return new FleetError("archive-too-large", `${subject} ${why}`);
}

function utf8Length(source: string): number {
  let bytes = 0;
  for (const character of source) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
