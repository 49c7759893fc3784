// A tar stream as a sequence of headers and content, however its bytes are cut into chunks. Stricter than tar
// programs: every byte must be accounted for, up to and past the end mark. Holds at most one block and one
// extension in memory; does no IO and decides nothing about entries.
import { FleetError } from "../../protocol/errors.ts";
import { assert } from "../../protocol/machine.ts";
import type { EntryHeader } from "../core/archive-rules.ts";
import { type EntryOverrides, type ExtensionType, readExtension } from "./tar-extensions.ts";
import { clampMtime, readTarHeader, TAR_BLOCK_BYTES, type TarHeader } from "./tar-header.ts";

/** Largest pax header: a few long names and the extended attributes of one file. */
const EXTENSION_BYTES_MAX = 1024 * 1024;

export type TarEvent =
  | { readonly kind: "entry"; readonly header: EntryHeader }
  /** The next bytes of the last entry's content; a view into the chunk that was pushed. */
  | { readonly kind: "content"; readonly bytes: Uint8Array }
  /** The last entry's content is complete. */
  | { readonly kind: "entry-end" };

/** Where the next byte belongs. */
type Place = "header" | "extension" | "content" | "padding" | "after-end";

export class TarReader {
  #place: Place = "header";
  /** Bytes of content or padding still to come. */
  #remaining = 0;
  #padding = 0;
  readonly #block = new Uint8Array(TAR_BLOCK_BYTES);
  #extension: { readonly type: ExtensionType; readonly body: Uint8Array } | null = null;
  #filled = 0;
  #overrides: EntryOverrides | null = null;
  #blockCount = 0;
  #entryCount = 0;

  /** Throws FleetError archive-not-tar while nothing was recognised yet, archive-corrupt or archive-unsafe later. */
  *push(chunk: Uint8Array): Generator<TarEvent, void, undefined> {
    let rest = chunk;
    while (rest.length > 0) {
      const taken = this.#lengthTaken(rest);
      yield* this.#take(rest.subarray(0, taken));
      rest = rest.subarray(taken);
    }
  }

  /** Call after the last chunk. Throws FleetError when the archive is cut short or has nothing in it. */
  finish(): void {
    if (this.#blockCount === 0) throw notTar("it is too short");
    if (this.#place !== "after-end") throw corrupt("the archive is cut short: its end mark is missing");
    if (this.#entryCount === 0) throw notTar("it has no entries");
  }

  #lengthTaken(rest: Uint8Array): number {
    switch (this.#place) {
      case "header":
        return Math.min(rest.length, TAR_BLOCK_BYTES - this.#filled);
      case "extension":
      case "content":
      case "padding":
        return Math.min(rest.length, this.#remaining);
      case "after-end":
        return rest.length;
    }
  }

  *#take(bytes: Uint8Array): Generator<TarEvent, void, undefined> {
    switch (this.#place) {
      case "header":
        this.#block.set(bytes, this.#filled);
        this.#filled += bytes.length;
        if (this.#filled === TAR_BLOCK_BYTES) yield* this.#readBlock();
        return;
      case "extension":
        this.#extension?.body.set(bytes, this.#filled);
        this.#filled += bytes.length;
        this.#remaining -= bytes.length;
        if (this.#remaining === 0) this.#readExtension();
        return;
      case "content":
        yield { kind: "content", bytes };
        this.#remaining -= bytes.length;
        if (this.#remaining === 0) yield* this.#endEntry();
        return;
      case "padding":
        this.#remaining -= bytes.length;
        if (this.#remaining === 0) this.#expectHeader();
        return;
      case "after-end":
        if (!isZero(bytes)) throw corrupt("there is data after the archive's end mark");
        return;
    }
  }

  *#readBlock(): Generator<TarEvent, void, undefined> {
    this.#blockCount += 1;
    this.#filled = 0;
    if (isZero(this.#block)) {
      if (this.#overrides !== null) throw corrupt("the archive ends after a header without its entry");
      this.#place = "after-end";
      return;
    }
    const header = readTarHeader(this.#block);
    if (header === null) {
      if (this.#blockCount === 1) throw notTar("its first block is no tar header");
      throw corrupt(`block ${this.#blockCount} of the archive's headers is damaged`);
    }
    if (isExtension(header.type)) this.#startExtension(header.type, header.size);
    else yield* this.#startEntry(header, header.type);
  }

  #startExtension(type: ExtensionType, size: number): void {
    if (size > EXTENSION_BYTES_MAX)
      throw new FleetError("archive-too-large", `a ${type} header of the archive claims ${size} bytes`);
    this.#extension = { type, body: new Uint8Array(size) };
    if (type !== "pax-global") this.#overrides ??= {};
    this.#place = "extension";
    this.#remaining = size;
    this.#padding = paddingOf(size);
    if (size === 0) this.#readExtension();
  }

  #readExtension(): void {
    assert(this.#extension !== null, "an extension was started");
    const { type, body } = this.#extension;
    const overrides = readExtension(type, body);
    if (type !== "pax-global") this.#overrides = { ...this.#overrides, ...overrides };
    this.#extension = null;
    this.#skipPadding();
  }

  *#startEntry(header: TarHeader, type: EntryHeader["type"]): Generator<TarEvent, void, undefined> {
    const overrides = this.#overrides ?? {};
    this.#overrides = null;
    this.#entryCount += 1;
    const size = overrides.size ?? header.size;
    yield {
      kind: "entry",
      header: {
        name: overrides.path ?? header.name(),
        type: overrides.sparse === true ? "sparse file" : type,
        size,
        mode: header.mode,
        mtimeSeconds: clampMtime(overrides.mtimeSeconds ?? header.mtimeSeconds),
        linkName: type === "symlink" || type === "hardlink" ? (overrides.linkPath ?? header.linkName()) : "",
      },
    };
    this.#place = "content";
    this.#remaining = size;
    this.#padding = paddingOf(size);
    if (size === 0) yield* this.#endEntry();
  }

  *#endEntry(): Generator<TarEvent, void, undefined> {
    yield { kind: "entry-end" };
    this.#skipPadding();
  }

  #skipPadding(): void {
    this.#place = "padding";
    this.#remaining = this.#padding;
    if (this.#remaining === 0) this.#expectHeader();
  }

  #expectHeader(): void {
    this.#place = "header";
    this.#filled = 0;
  }
}

function isExtension(type: TarHeader["type"]): type is ExtensionType {
  return type === "pax" || type === "pax-global" || type === "gnu-long-path" || type === "gnu-long-link";
}

function paddingOf(size: number): number {
  return (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

function notTar(why: string): FleetError {
  return new FleetError("archive-not-tar", `this is not a tar archive: ${why}`);
}

function corrupt(message: string): FleetError {
  return new FleetError("archive-corrupt", message);
}
