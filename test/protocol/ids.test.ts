// What may be an id or a name: they become file names, URL segments and table cells, so what they may hold is narrow.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as ids from "../../protocol/ids.ts";
import type { Schema } from "../../protocol/schema.ts";

interface Case {
  readonly schema: Schema<string>;
  readonly good: readonly string[];
  readonly bad: readonly string[];
}

const x64 = "x".repeat(64);

const CASES: Readonly<Record<string, Case>> = {
  app: {
    schema: ids.appNameSchema,
    good: ["a", "shop", "shop-api", "shop.api_2", "9", x64],
    bad: [
      "",
      "Shop",
      "-shop",
      "shop-",
      ".shop",
      "shop.",
      "..",
      "a/b",
      "a b",
      "a\n",
      "ä",
      `${x64}x`,
      "a\u0000",
    ],
  },
  version: {
    schema: ids.versionSchema,
    good: ["v1", "1.2.3", "2026-11-21_4", "1.0.0+build.5", "V1-", x64],
    bad: ["", "-v1", ".1", "+1", "..", "v/1", "v 1", "v1\n", "v1%", "v~1", `${x64}x`, "v\u20281"],
  },
  "node name": {
    schema: ids.nodeNameSchema,
    good: ["web-1", "WEB.eu_1", "1", x64],
    bad: ["", "-web", ".web", "web 1", "web/1", "web\n", "web:1", `${x64}x`],
  },
  "node id": {
    schema: ids.nodeIdSchema,
    good: ["0123456789abcdef".repeat(2)],
    bad: ["", "0".repeat(31), "0".repeat(33), "A".repeat(32), "g".repeat(32), `${"0".repeat(32)}\n`],
  },
  digest: {
    schema: ids.digestSchema,
    good: ["0123456789abcdef".repeat(4)],
    bad: ["0".repeat(63), "0".repeat(65), "F".repeat(64), `0x${"0".repeat(62)}`],
  },
  infohash: {
    schema: ids.infoHashSchema,
    good: ["0123456789".repeat(4)],
    bad: ["0".repeat(39), "0".repeat(41), "F".repeat(40)],
  },
  "public key": {
    schema: ids.publicKeySchema,
    good: ["A".repeat(43), `${"a-_9".repeat(10)}abc`],
    bad: ["A".repeat(42), "A".repeat(44), `${"A".repeat(42)}=`, `${"A".repeat(42)}+`, `${"A".repeat(42)}.`],
  },
  "rollout id": {
    schema: ids.rolloutIdSchema,
    good: ["r-1", "20261121-1", "a".repeat(40)],
    bad: ["", "R1", "a/1", "a.1", "a".repeat(41), "..", "a\n"],
  },
};

describe.each(Object.entries(CASES))("as %s", (_, { schema, good, bad }) => {
  test.each(good)("%j is fine", (value) => {
    expect(schema.decode(value, "it")).toBe(value);
  });

  test.each(bad)("%j is refused", (value) => {
    expect(() => schema.decode(value, "it")).toThrow(/^it: expected /);
  });

  test("nothing that is fine needs quoting, leaves its folder, or hides", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 5 }), (value) => {
        let isFine = true;
        try {
          schema.decode(value, "it");
        } catch {
          isFine = false;
        }
        if (isFine) expect(value).toMatch(/^[A-Za-z0-9][A-Za-z0-9._+-]*$|^-[a-z0-9-]*$/);
      }),
      { numRuns: 500 },
    );
  });
});
