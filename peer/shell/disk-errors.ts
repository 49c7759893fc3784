// What the operating system says when a file operation fails, as an operational failure for a person.
// Only names what happened: it never retries and never hides an error it does not know.
import { statfs } from "node:fs/promises";
import { type ErrorCode, FleetError } from "../../protocol/errors.ts";

const NO_SPACE_CODES: readonly string[] = ["ENOSPC", "EDQUOT"];

/**
 * An error of a file operation as FleetError disk-full when the disk has no room, else with `code`, prefixed by what
 * was being done. Anything else, a FleetError, an abort reason or a bug, comes back unchanged.
 */
export function diskError(cause: unknown, code: ErrorCode, doing: string): unknown {
  const errno = errnoOf(cause);
  if (errno === null) return cause;
  const full = NO_SPACE_CODES.includes(errno);
  return new FleetError(full ? "disk-full" : code, `${doing}: ${(cause as Error).message}`, { cause });
}

/** The `ENOENT` of a system error; null for everything else. */
export function errnoOf(cause: unknown): string | null {
  if (!(cause instanceof Error) || cause instanceof FleetError) return null;
  if (!("syscall" in cause) || !("code" in cause) || typeof cause.code !== "string") return null;
  return cause.code;
}

/** Throws FleetError disk-full when the file system of an existing `directory` has fewer free bytes than needed. */
export async function checkDiskSpace(directory: string, bytesNeeded: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const bytesFree = bavail * bsize;
  if (bytesFree < bytesNeeded)
    throw new FleetError("disk-full", `${directory}: ${bytesNeeded} bytes are needed, ${bytesFree} are free`);
}
