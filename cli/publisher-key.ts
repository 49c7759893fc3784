// The publisher's signing key on this machine: created once, readable by its owner only, never overwritten.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { FleetError } from "../protocol/errors.ts";
import {
  createSigningKey,
  type SigningKey,
  signingKeyFromPem,
  signingKeyToPem,
} from "../protocol/shell/signature.ts";

const OWNER_ONLY = 0o600;

/** FleetError key-exists when there is a file already, storage-failed when it cannot be written. */
export function createPublisherKey(path: string): SigningKey {
  const key = createSigningKey();
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeNewFile(path, signingKeyToPem(key));
  } catch (cause) {
    if (isErrno(cause, "EEXIST"))
      throw new FleetError("key-exists", `there is a key in ${path} already`, { cause });
    throw new FleetError("storage-failed", `cannot write the key to ${path}: ${messageOf(cause)}`, { cause });
  }
  return key;
}

/** FleetError key-missing when there is none or it is no Ed25519 key. */
export function readPublisherKey(path: string): SigningKey {
  try {
    return signingKeyFromPem(readFileSync(path, "utf8"));
  } catch (cause) {
    if (isErrno(cause, "ENOENT"))
      throw new FleetError("key-missing", `there is no publisher key in ${path}`, { cause });
    if (cause instanceof FleetError) throw cause;
    throw new FleetError("key-missing", `cannot read the publisher key in ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Whether others on this machine can read it. */
export function isKeyExposed(path: string): boolean {
  return (statSync(path).mode & 0o077) !== 0;
}

/** Whole or not at all: linking a finished file into place fails when the name is taken. */
function writeNewFile(path: string, content: string): void {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = openSync(temporary, "wx", OWNER_ONLY);
    try {
      writeSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  const directory = openSync(dirname(path), "r");
  fsyncSync(directory);
  closeSync(directory);
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
