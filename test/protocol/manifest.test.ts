// The one text of a manifest: everybody writes the same, and nobody reads another.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MANIFEST_CHARS_MAX } from "../../protocol/limits.ts";
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
  manifestSchema,
  pieceCountOf,
  releaseRefOf,
  sameRelease,
  versionDirectoryName,
} from "../../protocol/manifest.ts";
import { arbitraryOf } from "./support/arbitraries.ts";
import { exampleManifest } from "./support/examples.ts";

const manifest: fc.Arbitrary<Manifest> = arbitraryOf(manifestSchema).filter(
  (value) => textLength(value) <= MANIFEST_CHARS_MAX,
);

function textLength(value: unknown): number {
  return JSON.stringify(value).length;
}

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, turn: number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, turn));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, entry]) => [key, shuffled(entry, turn)] as const);
  const start = turn % entries.length;
  return Object.fromEntries([...entries.slice(start), ...entries.slice(0, start)].reverse());
}

describe("the text of a manifest", () => {
  test("is read back as what was written", () => {
    fc.assert(
      fc.property(manifest, (written) => {
        expect(decodeManifest(encodeManifest(written))).toEqual(written);
      }),
    );
  });

  test("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(manifest, fc.nat(20), (written, turn) => {
        expect(encodeManifest(shuffled(written, turn) as Manifest)).toBe(encodeManifest(written));
      }),
    );
  });

  test("differs for manifests that differ", () => {
    fc.assert(
      fc.property(manifest, manifest, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(encodeManifest(a)).not.toBe(encodeManifest(b));
      }),
    );
  });

  test("is JSON that any reader understands", () => {
    fc.assert(
      fc.property(manifest, (written) => {
        expect(JSON.parse(encodeManifest(written))).toEqual(written);
      }),
    );
  });

  test("is this one, to the last character", () => {
    expect(encodeManifest(exampleManifest)).toBe(
      '{"app":"shop","artifact":{"compression":"zstd","entryCount":3,' +
        `"infoHash":"${"a".repeat(40)}","length":100000,"pieceLength":16384,` +
        `"sha256":"${"b".repeat(64)}","unpackedLength":250000},"createdAt":1760000000000,"format":1,` +
        '"health":{"intervalMs":500,"probes":[{"expectStatus":200,"kind":"http","url":"http://127.0.0.1:8080/"}],' +
        '"startPeriodMs":1000,"successes":3,"timeoutMs":2000},' +
        '"hooks":{"postActivate":{"argv":["bin/start","é\\n"],"timeoutMs":30000},"preActivate":null},' +
        '"sequence":7,"version":"v1.2.3"}',
    );
  });
});

describe("a text that is not the one", () => {
  const text = encodeManifest(exampleManifest);

  test.each<[string, string]>([
    ["has white space", text.replace('"app":', '"app": ')],
    ["ends in a line's end", `${text}\n`],
    ["has keys in another order", JSON.stringify(exampleManifest)],
    ["has a key twice", text.replace('{"app":"shop"', '{"app":"evil","app":"shop"')],
    ["has a key twice, the same way", text.replace('{"app":"shop"', '{"app":"shop","app":"shop"')],
    ["has an unknown key", text.replace('"app":', '"ap":1,"app":')],
    ["has a key that reaches for the prototype", text.replace('{"app"', '{"__proto__":{},"app"')],
    ["writes a letter as an escape", text.replace("shop", "sh\\u006fp")],
    ["writes a slash as an escape", text.replace("bin/start", "bin\\/start")],
    ["writes a letter it should escape", text.replace("é\\n", "é\\u000a")],
    ["writes a number in another way", text.replace('"sequence":7', '"sequence":7.0')],
    ["writes a number with an exponent", text.replace('"length":100000', '"length":1e5')],
    ["writes zero with a sign", text.replace('"startPeriodMs":1000', '"startPeriodMs":-0')],
    ["has a byte order mark", `\uFEFF${text}`],
    ["has half a character", text.replace("é", "\ud800")],
    ["leaves out what may be null", text.replace(',"preActivate":null', "")],
    ["is of another format", text.replace('"format":1', '"format":2')],
    ["is cut off", text.slice(0, -1)],
    ["is empty", ""],
    ["is deep", "[".repeat(60_000)],
  ])("is refused when it %s", (_, changed) => {
    expect(changed).not.toBe(text);
    expect(() => decodeManifest(changed)).toThrow(/expected|JSON/);
  });

  test("is refused wherever one character is changed, unless that is another manifest's text", () => {
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.string({ unit: "binary-ascii", maxLength: 2 }),
        (place, insert) => {
          const changed = text.slice(0, place) + insert + text.slice(place + 1);
          let read: Manifest;
          try {
            read = decodeManifest(changed);
          } catch {
            return;
          }
          expect(encodeManifest(read)).toBe(changed);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

test("a manifest that is too long for its receivers is refused when it is made", () => {
  const argument = "x".repeat(4_096);
  const hook = { argv: Array.from({ length: 20 }, () => argument), timeoutMs: 1 };
  const long: Manifest = { ...exampleManifest, hooks: { preActivate: hook, postActivate: null } };
  expect(() => encodeManifest(long)).toThrow(/^manifest: expected at most 65536 characters/);
});

test("what is not a manifest has no text", () => {
  expect(() => encodeManifest({ ...exampleManifest, sequence: 0 })).toThrow("manifest.sequence: expected");
  expect(() => encodeManifest({ ...exampleManifest, extra: 1 } as Manifest)).toThrow(
    "manifest.extra: expected",
  );
});

describe("a release", () => {
  const { app, version, artifact } = exampleManifest;
  const release = releaseRefOf(exampleManifest);

  test("is known by its app, version and digest", () => {
    expect(release).toEqual({ app, version, sha256: artifact.sha256 });
  });

  test("is the same only when all three are", () => {
    expect(sameRelease(release, { ...release })).toBe(true);
    expect(sameRelease(null, null)).toBe(true);
    expect(sameRelease(release, null)).toBe(false);
    expect(sameRelease(null, release)).toBe(false);
    for (const change of [{ app: "other" }, { version: "other" }, { sha256: "c".repeat(64) }])
      expect(sameRelease(release, { ...release, ...change } as typeof release)).toBe(false);
  });

  test("has a folder that is told apart from that of other bytes under the same version", () => {
    expect(versionDirectoryName(version, artifact.sha256)).toBe("v1.2.3-bbbbbbbb");
  });
});

describe("the number of pieces", () => {
  test.each([
    [1, 16_384, 1],
    [16_384, 16_384, 1],
    [16_385, 16_384, 2],
    [100_000, 16_384, 7],
  ])("of %d bytes in pieces of %d is %d", (length, pieceLength, expected) => {
    expect(pieceCountOf({ length, pieceLength })).toBe(expected);
  });
});
