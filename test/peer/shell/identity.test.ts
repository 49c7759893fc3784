// The key of a node and whom it trusts, on a real disk.
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openIdentity } from "../../../peer/shell/identity.ts";
import { StatePaths } from "../../../peer/shell/state-directory.ts";
import { TRUSTED_KEYS_MAX } from "../../../protocol/limits.ts";
import { createSigningKey } from "../../../protocol/shell/signature.ts";
import { temporaryFolder } from "../../support/folders.ts";

async function statePaths(): Promise<StatePaths> {
  return new StatePaths(await temporaryFolder());
}

test("a key is made once, kept to its owner, and stays the same", async () => {
  const paths = await statePaths();
  const first = await openIdentity(paths, []);
  const second = await openIdentity(paths, []);
  expect(second.nodeId).toBe(first.nodeId);
  expect(second.key.publicKey).toBe(first.key.publicKey);
  expect((await stat(paths.key)).mode & 0o777).toBe(0o600);
  expect((await openIdentity(await statePaths(), [])).nodeId).not.toBe(first.nodeId);
});

test("trusted keys are remembered and only ever added to", async () => {
  const paths = await statePaths();
  const [a, b] = [createSigningKey().publicKey, createSigningKey().publicKey];
  expect((await openIdentity(paths, [a, a])).trust).toEqual([a]);
  expect((await openIdentity(paths, [b])).trust).toEqual([a, b]);
  expect((await openIdentity(paths, [])).trust).toEqual([a, b]);
});

test("more publisher keys than a node may trust are refused, and none is lost", async () => {
  const paths = await statePaths();
  const keys = Array.from({ length: TRUSTED_KEYS_MAX }, () => createSigningKey().publicKey);
  await openIdentity(paths, keys);
  await expect(openIdentity(paths, [createSigningKey().publicKey])).rejects.toMatchObject({ code: "usage" });
  expect((await openIdentity(paths, [])).trust).toEqual(keys);
});

test("having been admitted is remembered", async () => {
  const paths = await statePaths();
  const identity = await openIdentity(paths, []);
  expect(identity.admitted).toBe(false);
  await identity.markAdmitted();
  expect((await openIdentity(paths, [])).admitted).toBe(true);
});

test.each(["node-key.pem", "node.json"])("a damaged %s is refused by name", async (name) => {
  const paths = await statePaths();
  await openIdentity(paths, [createSigningKey().publicKey]);
  await writeFile(join(paths.directory, name), "damaged");
  await expect(openIdentity(paths, [])).rejects.toMatchObject({ code: "data-corrupt" });
  await expect(openIdentity(paths, [])).rejects.toThrow(name);
});
