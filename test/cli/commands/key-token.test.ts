// The publisher's key and tokens: what is printed, what is kept, and that secrets are neither listed nor overwritten.
// `fleet key` and `fleet token`: what they print, what they keep to themselves, and what they refuse.
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { signingKeyFromPem } from "../../../protocol/shell/signature.ts";
import { parseToken } from "../../../protocol/shell/token.ts";
import { fleet } from "../support/test-host.ts";

const NOW = Date.UTC(2026, 5, 1);
const HOUR = 3_600_000;

describe("keys and tokens", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "fleet-keys-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const run = (...args: string[]) =>
    fleet(args, { cwd: directory, env: { XDG_CONFIG_HOME: join(directory, "config") }, now: () => NOW });
  const data = ["--data", "data"];

  it("key create prints the public key alone and keeps the private one to its owner", async () => {
    const { code, stdout, stderr } = await run("key", "create");
    const path = join(directory, "config/fleet/publisher.key");
    expect(code).toBe(0);
    expect(stdout).toBe(`${signingKeyFromPem(await readFile(path, "utf8")).publicKey}\n`);
    expect(stderr).toContain(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "config/fleet"))).mode & 0o777).toBe(0o700);
    expect((await run("key", "show")).stdout).toBe(stdout);
  });

  it("key create never overwrites", async () => {
    await run("key", "create");
    const before = (await run("key", "show")).stdout;
    const { code, stderr } = await run("key", "create");
    expect(code).toBe(5);
    expect(stderr).toContain("there is a key in");
    expect((await run("key", "show")).stdout).toBe(before);
    await expect(readFile(join(directory, "config/fleet/publisher.key"), "utf8")).resolves.toContain(
      "PRIVATE KEY",
    );
  });

  it("key show says when there is none, or none that can be used", async () => {
    expect((await run("key", "show")).code).toBe(2);
    await writeFile(join(directory, "bad.key"), "not a key");
    const { code, stderr } = await run("key", "show", "--key", "bad.key");
    expect(code).toBe(2);
    expect(stderr).toContain("bad.key");
  });

  it("token create prints the token alone; a node's carries the keys to trust", async () => {
    const key = "A".repeat(43);
    const { stdout, stderr } = await run("token", "create", "node", "--trust", key, "--trust", key, ...data);
    expect(stdout).toMatch(/^fleet_node_\S+\n$/);
    expect(parseToken(stdout).trust).toEqual([key]);
    expect(stderr).toBe("");
    const trustless = await run("token", "create", "node", ...data);
    expect(trustless.stderr).toContain("refuse every release");
  });

  it("tokens end by themselves: a day for nodes, 90 for operators, or as told", async () => {
    const expiry = async (...args: string[]) =>
      (await run("token", "create", ...args, ...data, "--json")).host.lastJson.expiresAt;
    expect(await expiry("node")).toBe(NOW + 24 * HOUR);
    expect(await expiry("operator")).toBe(NOW + 90 * 24 * HOUR);
    expect(await expiry("operator", "--expires", "2h")).toBe(NOW + 2 * HOUR);
    expect(await expiry("operator", "--expires", "never")).toBeNull();
  });

  it("token list shows everything but the secret, and revoke ends one", async () => {
    const created = (await run("token", "create", "operator", "--note", "for CI", ...data)).stdout.trim();
    const { id, secret } = parseToken(created);
    const before = await run("token", "list", ...data);
    expect(before.stdout).toMatch(
      new RegExp(`^${id}  operator  valid +2026-08-30T00:00:00Z  never +-  +for CI$`, "m"),
    );
    expect((await run("token", "revoke", id, ...data)).code).toBe(0);
    const after = await run("token", "list", ...data, "--json");
    expect(after.host.lastJson).toMatchObject({ tokens: [{ id, kind: "operator", note: "for CI" }] });
    expect((await run("token", "list", ...data)).stdout).toContain("revoked");
    expect(before.stdout + after.stdout).not.toContain(secret);
    const unknown = await run("token", "revoke", "0123456789abcdef", ...data);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("fleet token list");
  });
});
