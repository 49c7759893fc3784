// Tokens: what they look like, what is and is not one, and that their secrets are compared and kept safely.
import { describe, expect, test } from "vitest";
import type { PublicKey } from "../../../protocol/ids.ts";
import { TRUSTED_KEYS_MAX } from "../../../protocol/limits.ts";
import { createSigningKey } from "../../../protocol/shell/signature.ts";
import {
  createToken,
  formatToken,
  hashTokenSecret,
  parseToken,
  tokenSecretMatches,
} from "../../../protocol/shell/token.ts";

const keys = Array.from({ length: TRUSTED_KEYS_MAX + 1 }, (): PublicKey => createSigningKey().publicKey);

describe("a token", () => {
  test.each([0, 1, 2, TRUSTED_KEYS_MAX])("is written and read with %d publisher keys", (count) => {
    const token = createToken("node", keys.slice(0, count));
    expect(parseToken(formatToken(token))).toEqual(token);
  });

  test("of an operator is written and read", () => {
    const token = createToken("operator", []);
    expect(formatToken(token)).toMatch(/^fleet_operator_[0-9a-f]{16}_[0-9a-f]{64}$/);
    expect(parseToken(formatToken(token))).toEqual(token);
  });

  test("may have white space around it, as files do", () => {
    const token = createToken("node", keys.slice(0, 1));
    expect(parseToken(`  ${formatToken(token)}\r\n`)).toEqual(token);
  });

  test("is never made twice", () => {
    const tokens = Array.from({ length: 1_000 }, () => createToken("node", []));
    expect(new Set(tokens.map(({ id }) => id)).size).toBe(1_000);
    expect(new Set(tokens.map(({ secret }) => secret)).size).toBe(1_000);
  });
});

describe("a text is no token", () => {
  const text = formatToken(createToken("node", keys.slice(0, 1)));

  test.each<[string, string]>([
    ["that is empty", ""],
    ["that says nothing", "token"],
    ["of another kind", text.replace("_node_", "_admin_")],
    ["in capitals", text.toUpperCase()],
    ["that is cut off", text.slice(0, -1)],
    ["that goes on", `${text}A`],
    ["with white space inside", text.replace("_node_", "_node_ ")],
    ["with two lines", `${text}\n${text}`],
    ["with a short secret", text.replace(/_[0-9a-f]{64}/, `_${"a".repeat(63)}`)],
    ["with a key that is none", text.replace(/\.[^.]+$/, `.${"*".repeat(43)}`)],
    ["with an empty key", `${text}.`],
    ["with more keys than a node keeps", formatToken(createToken("node", keys))],
    ["of a megabyte", `${text}${".".repeat(1_000_000)}`],
  ])("%s", (_, wrong) => {
    expect(() => parseToken(wrong)).toThrow(expect.objectContaining({ code: "token-wrong", exitCode: 5 }));
  });

  test("and the refusal does not repeat it", () => {
    const { secret } = createToken("node", []);
    expect(() => parseToken(`fleet_node_${secret}`)).not.toThrow(secret);
  });
});

describe("a secret", () => {
  const { secret } = createToken("operator", []);

  test("matches its own hash and no other", () => {
    expect(tokenSecretMatches(secret, hashTokenSecret(secret))).toBe(true);
    expect(tokenSecretMatches(secret, hashTokenSecret(createToken("operator", []).secret))).toBe(false);
    expect(tokenSecretMatches("", hashTokenSecret(secret))).toBe(false);
  });

  test.each([0, 31, 33])("does not match a stored hash of %d bytes, whatever they are", (length) => {
    const hash = Buffer.concat([hashTokenSecret(secret), Buffer.alloc(1)]).subarray(0, length);
    expect(tokenSecretMatches(secret, hash)).toBe(false);
  });

  test("is not in its hash", () => {
    expect(Buffer.from(hashTokenSecret(secret)).toString("hex")).not.toContain(secret.slice(0, 8));
  });
});
