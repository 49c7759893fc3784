// Join and operator tokens: `fleet_<kind>_<id>_<secret>[.<publisher key>]...`. The id is public, the secret is
// 256 random bits and is only ever stored as a hash; a node token also carries the publisher keys to trust.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { FleetError } from "../errors.ts";
import { type PublicKey, publicKeySchema } from "../ids.ts";
import { TRUSTED_KEYS_MAX } from "../limits.ts";

export type TokenKind = "node" | "operator";

export interface Token {
  readonly kind: TokenKind;
  /** 16 hex digits, fit for logs and lists. */
  readonly id: string;
  readonly secret: string;
  /** Publisher keys a node that joins with this token trusts; empty for operators. */
  readonly trust: readonly PublicKey[];
}

const TOKEN_PATTERN = /^fleet_(node|operator)_([0-9a-f]{16})_([0-9a-f]{64})((?:\.[A-Za-z0-9_-]{43})*)$/;

export function createToken(kind: TokenKind, trust: readonly PublicKey[]): Token {
  return { kind, id: randomBytes(8).toString("hex"), secret: randomBytes(32).toString("hex"), trust };
}

export function formatToken(token: Token): string {
  return [`fleet_${token.kind}_${token.id}_${token.secret}`, ...token.trust].join(".");
}

/** Throws FleetError token-wrong when the text is no token; white space around it is ignored. */
export function parseToken(source: string): Token {
  const match = TOKEN_PATTERN.exec(source.trim());
  if (match === null) throw new FleetError("token-wrong", "this is not a fleet token");
  const [, kind, id = "", secret = "", keys = ""] = match;
  const trust = keys.split(".").slice(1);
  if (trust.length > TRUSTED_KEYS_MAX)
    throw new FleetError("token-wrong", `this token carries more than ${TRUSTED_KEYS_MAX} publisher keys`);
  return {
    kind: kind === "node" ? "node" : "operator",
    id,
    secret,
    trust: trust.map((key) => publicKeySchema.decode(key, "token key")),
  };
}

/** SHA-256 is enough at rest: the secret has 256 bits of its own, so there is nothing to guess from a stolen hash. */
export function hashTokenSecret(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

export function tokenSecretMatches(secret: string, hash: Uint8Array): boolean {
  const given = hashTokenSecret(secret);
  return given.length === hash.length && timingSafeEqual(given, hash);
}
