// Ed25519 keys and signatures: publishers sign manifests with them, nodes prove who they are.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { FleetError } from "../errors.ts";
import { type NodeId, nodeIdSchema, type PublicKey, publicKeySchema } from "../ids.ts";
import {
  decodeManifest,
  encodeManifest,
  MANIFEST_SIGNATURE_CONTEXT,
  type Manifest,
  type SignedManifest,
} from "../manifest.ts";
import { HELLO_SIGNATURE_CONTEXT } from "../messages.ts";

export interface SigningKey {
  readonly publicKey: PublicKey;
  readonly privateKey: KeyObject;
}

export function createSigningKey(): SigningKey {
  return signingKeyOf(generateKeyPairSync("ed25519").privateKey);
}

/** Reads a PKCS#8 PEM; throws when it is not an Ed25519 private key. */
export function signingKeyFromPem(pem: string): SigningKey {
  return signingKeyOf(createPrivateKey(pem));
}

export function signingKeyToPem(key: SigningKey): string {
  return key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** First 32 hex digits of SHA-256 over the raw public key. */
export function nodeIdOf(publicKey: PublicKey): NodeId {
  const digest = createHash("sha256").update(Buffer.from(publicKey, "base64url")).digest("hex");
  return nodeIdSchema.decode(digest.slice(0, 32), "node id");
}

export function signHello(key: SigningKey, nonce: Uint8Array): Uint8Array {
  return sign(null, helloPayload(nonce), key.privateKey);
}

export function verifyHello(publicKey: PublicKey, nonce: Uint8Array, signature: Uint8Array): boolean {
  return verifyWith(publicKey, helloPayload(nonce), signature);
}

export function signManifest(manifest: Manifest, key: SigningKey): SignedManifest {
  const text = encodeManifest(manifest);
  const signature = sign(null, manifestPayload(text), key.privateKey).toString("base64url");
  return { manifest: text, signatures: [{ publicKey: key.publicKey, signature }] };
}

/**
 * The manifest inside, once every signature on it holds. Says nothing about trust: see {@link openTrustedManifest}.
 * Throws FleetError manifest-altered or manifest-invalid.
 */
export function openManifest(signed: SignedManifest): Manifest {
  const payload = manifestPayload(signed.manifest);
  for (const { publicKey, signature } of signed.signatures) {
    if (!verifyWith(publicKey, payload, Buffer.from(signature, "base64url")))
      throw new FleetError("manifest-altered", `the signature of key ${publicKey} does not fit the manifest`);
  }
  try {
    return decodeManifest(signed.manifest);
  } catch (cause) {
    throw new FleetError("manifest-invalid", `the manifest cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** As {@link openManifest}, and at least one signature is by a key in `trusted`. Else FleetError manifest-untrusted. */
export function openTrustedManifest(signed: SignedManifest, trusted: readonly PublicKey[]): Manifest {
  const manifest = openManifest(signed);
  if (signed.signatures.some(({ publicKey }) => trusted.includes(publicKey))) return manifest;
  const signers = signed.signatures.map(({ publicKey }) => publicKey).join(", ");
  const why =
    trusted.length === 0
      ? "this node trusts no publisher key"
      : `this node trusts only ${trusted.join(", ")}`;
  throw new FleetError(
    "manifest-untrusted",
    `release ${manifest.app} ${manifest.version} is signed by ${signers}; ${why}`,
  );
}

function signingKeyOf(privateKey: KeyObject): SigningKey {
  if (privateKey.asymmetricKeyType !== "ed25519")
    throw new FleetError("key-missing", "the key is not an Ed25519 private key");
  const jwk = createPublicKey(privateKey).export({ format: "jwk" });
  return { publicKey: publicKeySchema.decode(jwk.x, "public key"), privateKey };
}

function verifyWith(publicKey: PublicKey, payload: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
    return verify(null, payload, key, signature);
  } catch {
    // A point that is not on the curve: a remote's fault, answered like any wrong signature.
    return false;
  }
}

function helloPayload(nonce: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(HELLO_SIGNATURE_CONTEXT), nonce]);
}

function manifestPayload(manifest: string): Buffer {
  return Buffer.from(MANIFEST_SIGNATURE_CONTEXT + manifest);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
