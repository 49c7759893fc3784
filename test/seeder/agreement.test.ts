// What the seeder takes every node unpacks, and what a node would refuse the seeder refuses: the promise that a
// release never fails on the nodes for the shape of its archive.
import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { removeTree, unpackArchive } from "../../peer/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import { type PreparedArtifact, prepareArtifact } from "../../seeder/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { gnuLong, pax, rawEntry, rawTar } from "../support/tar.ts";

const plainSegment = fc.constantFrom(..."abcdefgh", "A", "é", "e\u0301", "ß", "ss", ".", "n".repeat(255));
const badSegment = fc.constantFrom("..", "", "C:", "x\\y", "\u0000", "n".repeat(256));
const segment = fc.oneof({ weight: 60, arbitrary: plainSegment }, { weight: 1, arbitrary: badSegment });
const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("/"));
const entry = fc
  .record({
    name,
    type: fc.oneof(
      { weight: 40, arbitrary: fc.constantFrom("0", "0", "0", "7", "5", "5", "2", "2") },
      { weight: 1, arbitrary: fc.constantFrom("1", "1", "3", "6", "S") },
    ),
    content: fc.constantFrom("", "", "text", "x".repeat(600)),
    link: name,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    naming: fc.constantFrom("plain", "pax", "gnu"),
  })
  .map(({ naming, ...fields }) => {
    const content = fields.type === "0" || fields.type === "7" ? fields.content : "";
    const plain = rawEntry({ ...fields, content });
    if (naming === "pax") return Buffer.concat([pax({ path: fields.name, linkpath: fields.link }), plain]);
    return naming === "gnu"
      ? Buffer.concat([gnuLong("L", fields.name), gnuLong("K", fields.link), plain])
      : plain;
  });
const harm = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.boolean() });
const damage = fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: harm });

async function outcomeOf<T>(operation: Promise<T>): Promise<T | string> {
  try {
    return await operation;
  } catch (cause) {
    if (cause instanceof FleetError) return cause.code;
    throw cause;
  }
}

test("seeder and node accept and refuse the same archives", async () => {
  const folder = await temporaryFolder();
  const tarball = path.join(folder, "a.tar");
  const directory = path.join(folder, "out");
  const seen = { accepted: 0, refused: 0 };
  const oneArchive = fc.asyncProperty(fc.array(entry, { maxLength: 6 }), damage, async (entries, hurt) => {
    const tar = damaged(rawTar(...entries), hurt);
    await writeFile(tarball, tar);
    const made = await outcomeOf(prepareArtifact({ path: tarball, nodeCount: 2, workDirectory: folder }));
    const signed = typeof made === "string" ? { unpackedLength: tar.length, entryCount: 100 } : made.artifact;
    const options = { compression: "none" as const, ...signed, tarball, directory };
    const unpacked = await outcomeOf(unpackArchive(options).then(() => "accepted"));
    seen[unpacked === "accepted" ? "accepted" : "refused"] += 1;
    await removeTree(directory);
    expect(await readdir(folder)).toEqual(["a.tar"]);
    expect(unpacked).toBe(typeof made === "string" ? made : "accepted");
  });
  await fc.assert(oneArchive, { numRuns: 1_000 });
  // Otherwise the property would hold for want of examples.
  expect(seen.accepted).toBeGreaterThan(100);
  expect(seen.refused).toBeGreaterThan(100);
}, 60_000);

test("the sizes that are signed are the only ones a node takes", async () => {
  const folder = await temporaryFolder();
  const tarball = path.join(folder, "a.tar.gz");
  await writeFile(tarball, gzipSync(rawTar({ name: "a", content: "text" }, { name: "b" })));
  const { artifact }: PreparedArtifact = await prepareArtifact({
    path: tarball,
    nodeCount: 1,
    workDirectory: folder,
  });
  const directory = path.join(folder, "out");
  for (const change of [
    { unpackedLength: -1 },
    { unpackedLength: 1 },
    { entryCount: -1 },
    { entryCount: 1 },
  ]) {
    const unpackedLength = artifact.unpackedLength + (change.unpackedLength ?? 0);
    const entryCount = artifact.entryCount + (change.entryCount ?? 0);
    const refused = unpackArchive({ ...artifact, unpackedLength, entryCount, tarball, directory });
    await expect(refused).rejects.toMatchObject({
      code: expect.stringMatching(/^archive-(unsafe|corrupt)$/) as string,
    });
  }
  await unpackArchive({ ...artifact, tarball, directory });
  await rm(tarball);
  expect((await readdir(directory)).sort()).toEqual(["a", "b"]);
});

function damaged(tar: Buffer, harm: { readonly at: number; readonly cut: boolean } | null): Buffer {
  if (harm === null) return tar;
  const offset = Math.floor(harm.at * (tar.length - 1));
  if (harm.cut) return tar.subarray(0, Math.max(1, offset));
  const changed = Buffer.from(tar);
  changed[offset] = (changed[offset] ?? 0) ^ 0x20;
  return changed;
}
