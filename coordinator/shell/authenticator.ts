// Decides whether a token presented over the network is good: right secret, not revoked, not expired, right kind.
// Never logs or returns any part of a secret.
import type { Logger } from "pino";
import { type ErrorCode, FleetError } from "../../protocol/errors.ts";
import type { Millis } from "../../protocol/ids.ts";
import { DecodeError } from "../../protocol/schema.ts";
import { parseToken, type Token, type TokenKind, tokenSecretMatches } from "../../protocol/shell/token.ts";
import type { ShellLimits } from "./limits.ts";
import type { StoredToken, TokenTable } from "./store.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Writing down every use would cost a disk flush per request. */
const USE_NOTED_EVERY_MS = 60_000;
/** What an unknown id is compared with, so that it takes as long as a known one. */
const NO_HASH = new Uint8Array(32);
/** What the one who presents a token has to answer for; a failing disk is not among it. */
const REFUSALS: ReadonlySet<string> = new Set<ErrorCode>([
  "token-missing",
  "token-wrong",
  "token-revoked",
  "token-expired",
  "permission-denied",
]);

export interface AuthenticatorOptions {
  readonly tokens: TokenTable;
  readonly limits: ShellLimits;
  readonly logger: Logger;
  /** The wall clock, which is what a token's expiry is written in. */
  readonly now: () => Millis;
}

export interface Credentials {
  /** The token's text; null when none was given. */
  readonly source: string | null;
  readonly kind: TokenKind;
  /** Where the request comes from. */
  readonly address: string;
}

export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #failures = new Map<string, TokenBucket>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * Returns the token's id, fit for logs. Throws FleetError token-missing, token-wrong, token-revoked, token-expired,
   * permission-denied; overloaded instead after too many failures from one address. A right token always passes:
   * a whole site may share an address with one that keeps trying a bad token.
   */
  authenticate(credentials: Credentials): string {
    const now = this.#options.now();
    try {
      const token = this.#check(credentials, now);
      this.#noteUse(token, now);
      return token.id;
    } catch (error) {
      if (!(error instanceof FleetError && REFUSALS.has(error.code))) throw error;
      throw this.#limitFailures(error, credentials, now);
    }
  }

  #check({ source, kind }: Credentials, now: Millis): StoredToken {
    if (source === null) throw new FleetError("token-missing", "this needs a token");
    const presented = readToken(source);
    const stored = this.#match(presented);
    // Only the holder of the secret learns any more than that it is wrong.
    if (stored.revokedAt !== null)
      throw new FleetError("token-revoked", `token ${stored.id} has been revoked`);
    if (stored.expiresAt !== null && stored.expiresAt <= now) {
      const expiry = new Date(stored.expiresAt).toISOString();
      throw new FleetError("token-expired", `token ${stored.id} expired at ${expiry}`);
    }
    if (stored.kind !== kind)
      throw new FleetError("permission-denied", `this needs a token of kind ${kind}, not ${stored.kind}`);
    return stored;
  }

  #match(presented: Token): StoredToken {
    const stored = this.#options.tokens.find(presented.id);
    const matches = tokenSecretMatches(presented.secret, stored?.secretHash ?? NO_HASH);
    if (stored === null || !matches) throw new FleetError("token-wrong", "the coordinator has no such token");
    return stored;
  }

  #limitFailures(error: FleetError, { address }: Credentials, now: Millis): FleetError {
    if (this.#bucketOf(address, now).take(1, now)) {
      this.#options.logger.warn({ address, code: error.code }, "a token was refused");
      return error;
    }
    // Who holds the secret is not guessing, and must learn what is wrong with the token.
    const isGuess = error.code === "token-wrong" || error.code === "token-missing";
    return isGuess ? new FleetError("overloaded", "too many wrong tokens from this address") : error;
  }

  #bucketOf(address: string, now: Millis): TokenBucket {
    const { authFailuresBurst, authFailuresPerSecond, authAddressesMax } = this.#options.limits;
    const bucket =
      this.#failures.get(address) ?? new TokenBucket(authFailuresBurst, authFailuresPerSecond, now);
    // Put last, so that the address forgotten first is the one that has been quiet for longest.
    this.#failures.delete(address);
    this.#failures.set(address, bucket);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > authAddressesMax && oldest !== undefined) this.#failures.delete(oldest);
    return bucket;
  }

  #noteUse(token: StoredToken, now: Millis): void {
    if (token.lastUsedAt !== null && now - token.lastUsedAt < USE_NOTED_EVERY_MS) return;
    try {
      this.#options.tokens.noteUse(token.id, now);
    } catch (error) {
      // A full disk must not lock operators out of looking at the fleet.
      if (!(error instanceof FleetError)) throw error;
      this.#options.logger.warn({ err: error, token: token.id }, "the use of a token could not be noted");
    }
  }
}

function readToken(source: string): Token {
  try {
    return parseToken(source);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new FleetError("token-wrong", "this is not a fleet token", { cause });
  }
}
