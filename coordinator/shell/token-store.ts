// Tokens as people manage them: create, list, revoke. Works while a coordinator runs on the same folder.
import { FleetError } from "../../protocol/errors.ts";
import type { Millis, PublicKey } from "../../protocol/ids.ts";
import { createToken, hashTokenSecret, type Token, type TokenKind } from "../../protocol/shell/token.ts";
import { openDataDirectory } from "./data-directory.ts";
import { SqliteStore } from "./sqlite-store.ts";
import type { StoredToken } from "./store.ts";

/** What may be shown of a token: everything but its secret and the secret's hash. */
export type TokenView = Omit<StoredToken, "secretHash">;

export interface TokenStore {
  /** The secret is in the answer and nowhere else; it cannot be shown again. */
  create(kind: TokenKind, options: TokenOptions): Token;
  list(): readonly TokenView[];
  /** Takes effect at the token's next use. FleetError not-found. */
  revoke(id: string): void;
  close(): void;
}

export interface TokenOptions {
  /** Publisher keys that a node joining with the token trusts. */
  readonly trust: readonly PublicKey[];
  /** Wall-clock milliseconds; null for a token that never expires. */
  readonly expiresAt: Millis | null;
  readonly note: string;
}

/** Creates the folder and its database when there is none. FleetError as for a coordinator's start. */
export function openTokenStore(dataDirectory: string): TokenStore {
  const store = new SqliteStore(openDataDirectory(dataDirectory).database);
  return {
    create(kind, { trust, expiresAt, note }) {
      const token = createToken(kind, trust);
      const secretHash = hashTokenSecret(token.secret);
      const times = { createdAt: Date.now(), expiresAt, revokedAt: null, lastUsedAt: null };
      store.tokens.insert({ id: token.id, kind, secretHash, trust, note, ...times });
      return token;
    },
    list: () => store.tokens.list().map(({ secretHash: _, ...view }) => view),
    revoke(id) {
      if (!store.tokens.revoke(id, Date.now()))
        throw new FleetError("not-found", `there is no token ${id}`, {
          next: "Run `fleet token list` to see the tokens.",
        });
    },
    close: () => store.close(),
  };
}
