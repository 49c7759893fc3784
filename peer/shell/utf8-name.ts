// Names in archives and directories as text. Bytes that are not UTF-8 are refused, never replaced: two names must not
// become one.
import { FleetError } from "../../protocol/errors.ts";

const SHOWN_BYTES_MAX = 200;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws FleetError archive-unsafe. */
export function utf8Name(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const shown = JSON.stringify(Buffer.from(bytes.subarray(0, SHOWN_BYTES_MAX)).toString("latin1"));
    throw new FleetError("archive-unsafe", `the name ${shown} is not UTF-8`, { cause });
  }
}
