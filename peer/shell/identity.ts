// Who this node is and whom it trusts: an Ed25519 key made at first start, and publisher keys that only ever grow.
// The private key never leaves the state directory.
import { FleetError } from "../../protocol/errors.ts";
import { type NodeId, type PublicKey, publicKeySchema } from "../../protocol/ids.ts";
import { TRUSTED_KEYS_MAX } from "../../protocol/limits.ts";
import { flag, type Infer, list, literal, object } from "../../protocol/schema.ts";
import {
  createSigningKey,
  nodeIdOf,
  type SigningKey,
  signingKeyFromPem,
  signingKeyToPem,
} from "../../protocol/shell/signature.ts";
import { readJson, readText, writeFileAtomic } from "./files.ts";
import type { StatePaths } from "./state-directory.ts";

const nodeFileSchema = object({
  format: literal(1),
  trust: list(publicKeySchema, TRUSTED_KEYS_MAX),
  /** A coordinator has welcomed this node at least once. */
  admitted: flag,
});
type NodeFile = Infer<typeof nodeFileSchema>;

export class Identity {
  readonly key: SigningKey;
  readonly nodeId: NodeId;
  readonly #path: string;
  #file: NodeFile;

  /** Use {@link openIdentity}. */
  constructor(key: SigningKey, path: string, file: NodeFile) {
    this.key = key;
    this.nodeId = nodeIdOf(key.publicKey);
    this.#path = path;
    this.#file = file;
  }

  get trust(): readonly PublicKey[] {
    return this.#file.trust;
  }

  get admitted(): boolean {
    return this.#file.admitted;
  }

  async markAdmitted(): Promise<void> {
    if (this.#file.admitted) return;
    this.#file = { ...this.#file, admitted: true };
    await writeFileAtomic(this.#path, JSON.stringify(this.#file));
  }
}

/**
 * Reads or makes the node's key and adds `trust` to the keys it trusts.
 * Throws FleetError data-corrupt for a damaged file, usage when there would be more than TRUSTED_KEYS_MAX keys.
 */
export async function openIdentity(paths: StatePaths, trust: readonly PublicKey[]): Promise<Identity> {
  const key = await openKey(paths.key);
  const saved = await readJson(paths.node, nodeFileSchema);
  const union = [...new Set([...(saved?.trust ?? []), ...trust])];
  if (union.length > TRUSTED_KEYS_MAX) {
    const message = `this node would trust ${union.length} publisher keys; at most ${TRUSTED_KEYS_MAX} are possible`;
    throw new FleetError("usage", message, {
      next: `Remove keys that are no longer used from ${paths.node}.`,
    });
  }
  const file: NodeFile = { format: 1, trust: union, admitted: saved?.admitted ?? false };
  if (saved === null || saved.trust.length !== union.length)
    await writeFileAtomic(paths.node, JSON.stringify(file));
  return new Identity(key, paths.node, file);
}

async function openKey(path: string): Promise<SigningKey> {
  const pem = await readText(path);
  if (pem === null) {
    const key = createSigningKey();
    await writeFileAtomic(path, signingKeyToPem(key));
    return key;
  }
  try {
    return signingKeyFromPem(pem);
  } catch (cause) {
    throw new FleetError("data-corrupt", `${path} is not an Ed25519 private key`, { cause });
  }
}
