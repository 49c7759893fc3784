// Installed releases on a real disk: after a crash, after lost state, and when old ones go.
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeDirectory, namesIn, temporaryPathFor } from "../../../peer/shell/files.ts";
import { openReleaseStore, type ReleaseStore } from "../../../peer/shell/release-store.ts";
import { RootPaths, StatePaths } from "../../../peer/shell/state-directory.ts";
import { type Manifest, releaseRefOf, versionDirectoryName } from "../../../protocol/manifest.ts";
import { createSigningKey, signManifest } from "../../../protocol/shell/signature.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { manifestOf } from "../releases.ts";

const key = createSigningKey();
const v1 = manifestOf("v1");

async function setUp() {
  const folder = await temporaryFolder();
  const state = new StatePaths(join(folder, "state"));
  const root = new RootPaths(join(folder, "root"));
  await makeDirectory(state.releases);
  await makeDirectory(root.directory);
  const open = () => openReleaseStore(state, root);
  return { state, root, open, store: await open() };
}

/** A read-only tree with one file, as the archive code leaves it. */
async function unpackText(directory: string, text: string): Promise<void> {
  await mkdir(directory);
  await writeFile(join(directory, "file"), text);
  await chmod(directory, 0o555);
}

function install(store: ReleaseStore, manifest: Manifest, change: { text?: string; isLive?: boolean } = {}) {
  return store.install({
    manifest,
    signed: signManifest(manifest, key),
    isLive: () => change.isLive ?? false,
    unpack: (directory) => unpackText(directory, change.text ?? manifest.version),
  });
}

function directoryOf(manifest: Manifest): string {
  return versionDirectoryName(manifest.version, manifest.artifact.sha256);
}

const NOTHING = (): ReadonlySet<string> => new Set();

describe("installing", () => {
  test("puts the tree under its name and remembers its manifest across a restart", async () => {
    const { root, open, store } = await setUp();
    await install(store, v1);
    expect(await namesIn(root.versions(v1.app))).toEqual([directoryOf(v1)]);
    for (const one of [store, await open()]) {
      expect(one.find(releaseRefOf(v1))).toEqual(v1);
      expect(one.releaseIn(v1.app, directoryOf(v1))).toEqual(releaseRefOf(v1));
      expect(await one.has(releaseRefOf(v1))).toBe(true);
    }
  });

  test("that fails leaves no tree and is not remembered", async () => {
    const { root, open, store } = await setUp();
    const failing = store.install({
      manifest: v1,
      signed: signManifest(v1, key),
      isLive: () => false,
      unpack: () => Promise.reject(new Error("no room")),
    });
    await expect(failing).rejects.toThrow("no room");
    expect(await namesIn(root.versions(v1.app))).toEqual([]);
    expect((await open()).find(releaseRefOf(v1))).toBeNull();
  });

  test("a crash before the tree has its name leaves nothing installed and is cleaned up", async () => {
    const { state, root, open, store } = await setUp();
    await install(store, v1);
    const half = manifestOf("v2");
    await unpackText(temporaryPathFor(root.version(v1.app, directoryOf(half))), "half");
    await symlink("versions/x", temporaryPathFor(root.live(v1.app)));
    await writeFile(temporaryPathFor(join(state.releases, v1.app, "x.json")), "{");
    const reopened = await open();
    expect(reopened.find(releaseRefOf(half))).toBeNull();
    expect(await namesIn(root.versions(v1.app))).toEqual([directoryOf(v1)]);
    expect(await namesIn(root.app(v1.app))).toEqual(["versions"]);
    expect(await namesIn(join(state.releases, v1.app))).toEqual([`${directoryOf(v1)}.json`]);
  });

  test("a record without its tree does not count", async () => {
    const { root, open, store } = await setUp();
    await install(store, v1);
    await chmod(root.version(v1.app, directoryOf(v1)), 0o755);
    await rm(root.versions(v1.app), { recursive: true });
    expect((await open()).find(releaseRefOf(v1))).toBeNull();
    expect(await store.has(releaseRefOf(v1))).toBe(false);
    await install(store, v1);
    expect(await store.has(releaseRefOf(v1))).toBe(true);
  });

  test("a tree without a record is replaced, unless it is live", async () => {
    for (const isLive of [false, true]) {
      const { root, store } = await setUp();
      const path = root.version(v1.app, directoryOf(v1));
      await makeDirectory(root.versions(v1.app));
      await unpackText(path, "found");
      await install(store, v1, { text: "fresh", isLive });
      expect(await readFile(join(path, "file"), "utf8")).toBe(isLive ? "found" : "fresh");
      expect(await namesIn(root.versions(v1.app))).toEqual([directoryOf(v1)]);
    }
  });

  test("folders under the root that are not ours are left alone", async () => {
    const { root, open } = await setUp();
    const foreign = temporaryPathFor(join(root.directory, "mail", "x"));
    await makeDirectory(foreign);
    await writeFile(join(root.directory, "a-file"), "");
    await open();
    expect(existsSync(foreign)).toBe(true);
  });

  test.each(["damaged", '{"format":1}', "altered"])("a record that is %s is refused by name", async (how) => {
    const { state, open, store } = await setUp();
    await install(store, v1);
    const path = join(state.releases, v1.app, `${directoryOf(v1)}.json`);
    const good = await readFile(path, "utf8");
    await writeFile(
      path,
      how === "altered" ? good.replace(String.raw`\"sequence\":1`, String.raw`\"sequence\":2`) : how,
    );
    expect(await readFile(path, "utf8")).not.toBe(good);
    await expect(open()).rejects.toMatchObject({ code: "data-corrupt" });
    await expect(open()).rejects.toThrow(path);
  });
});

describe("clean-up", () => {
  test("removes the oldest read-only trees with their records, newest and pinned ones stay", async () => {
    const { state, root, open, store } = await setUp();
    const all = Array.from({ length: 8 }, (_, index) => manifestOf(`v${index + 1}`));
    for (const manifest of all) await install(store, manifest);
    const pinned = new Set([directoryOf(v1)]);
    const removed = await store.collect(v1.app, () => pinned);
    expect(removed).toEqual([manifestOf("v3"), manifestOf("v2")].map(directoryOf));
    const left = [1, 4, 5, 6, 7, 8].map((n) => directoryOf(manifestOf(`v${n}`)));
    expect(await namesIn(root.versions(v1.app))).toEqual(left);
    expect(await namesIn(join(state.releases, v1.app))).toEqual(left.map((name) => `${name}.json`));
    expect((await open()).installed(v1.app).map((one) => one.version)).toEqual([
      "v8",
      "v7",
      "v6",
      "v5",
      "v4",
      "v1",
    ]);
  });

  test("asks again before each removal what may not go", async () => {
    const { store } = await setUp();
    for (let n = 1; n <= 7; n += 1) await install(store, manifestOf(`v${n}`));
    const answers = [new Set<string>(), new Set([directoryOf(v1)])];
    const removed = await store.collect(v1.app, () => answers.shift() ?? new Set([directoryOf(v1)]));
    expect(removed).toEqual([directoryOf(manifestOf("v2"))]);
    expect(store.find(releaseRefOf(v1))).not.toBeNull();
  });

  test("leaves an app with few versions alone", async () => {
    const { store } = await setUp();
    await install(store, v1);
    expect(await store.collect(v1.app, NOTHING)).toEqual([]);
  });
});
