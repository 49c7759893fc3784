// `fleet torrent`: the file stock clients need, and when there is none.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { infoHashSchema } from "../../../protocol/ids.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { FakeCoordinator } from "../support/fake-coordinator.ts";
import { node, release } from "../support/fixtures.ts";
import { fleet } from "../support/test-host.ts";

const INFO = Buffer.from("d6:lengthi5e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae");

describe("fleet torrent", () => {
  let fake: FakeCoordinator;

  beforeEach(async () => {
    fake = await FakeCoordinator.open();
    const infoHash = infoHashSchema.decode(createHash("sha1").update(INFO).digest("hex"), "infohash");
    const published = release("v1");
    const artifact = { ...published.manifest.artifact, infoHash };
    fake.releases = [{ ...published, manifest: { ...published.manifest, artifact } }];
    fake.torrentInfo = INFO;
    fake.nodes = [node(1), node(2, { online: false })];
  });
  afterEach(() => fake.close());

  const run = (...args: string[]) => fleet(["torrent", "v1", "--app", "shop", ...args], { env: fake.env });

  it("writes the file and says which nodes are peers", async () => {
    const file = join(await temporaryFolder(), "x.torrent");
    const { code, stdout } = await run("--out", file);
    expect(code).toBe(0);
    expect(await readFile(file)).toEqual(Buffer.concat([Buffer.from("d4:info"), INFO, Buffer.from("e")]));
    expect(stdout.trimEnd().split("\n").slice(1)).toEqual(["  peer 127.0.0.1:7001"]);
    const { host } = await run("--out", file, "--json");
    expect(host.lastJson).toMatchObject({ app: "shop", version: "v1", file, peers: ["127.0.0.1:7001"] });
  });

  it("writes nothing when the version is not published", async () => {
    fake.releases = [];
    const { code, stderr } = await run("--out", join(await temporaryFolder(), "x.torrent"));
    expect(code).toBe(2);
    expect(stderr).toContain("shop v1 is not published");
  });

  it("refuses a torrent that is not the manifest's", async () => {
    fake.torrentInfo = Buffer.from("de");
    const { code, stderr } = await run("--out", join(await temporaryFolder(), "x.torrent"));
    expect(code).not.toBe(0);
    expect(stderr).toContain("not the one in its manifest");
  });

  it("says where it cannot write", async () => {
    const { code, stderr } = await run("--out", join(await temporaryFolder(), "nowhere", "x.torrent"));
    expect(code).not.toBe(0);
    expect(stderr).toContain("cannot write");
  });
});
