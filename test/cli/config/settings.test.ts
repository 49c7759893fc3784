// Where coordinator, token and app come from, and where a token never goes.
// Where a command takes its coordinator and token from, and that no token goes where it was not meant to.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadSettings, normalizeUrl } from "../../../cli/config/settings.ts";
import type { FleetError } from "../../../protocol/errors.ts";
import { createToken, formatToken } from "../../../protocol/shell/token.ts";
import { TestHost } from "../support/test-host.ts";

const fails = (code: string) => expect.objectContaining({ code }) as FleetError;

describe("settings", () => {
  let directory: string;
  const inFile = formatToken(createToken("operator", []));
  const inEnvironment = formatToken(createToken("operator", []));

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "fleet-settings-"));
    await mkdir(join(directory, "config/fleet"), { recursive: true });
    await writeFile(join(directory, "operator.token"), `${inFile}\n`);
  });

  afterEach(() => rm(directory, { recursive: true }));

  const load = (flags: Parameters<typeof loadSettings>[1] = {}, env: Record<string, string> = {}) =>
    loadSettings(
      new TestHost({ cwd: directory, env: { XDG_CONFIG_HOME: join(directory, "config"), ...env } }),
      flags,
    );
  const project = (text: string) => writeFile(join(directory, "fleet.yaml"), text);
  const user = (text: string) => writeFile(join(directory, "config/fleet/config.yaml"), text);

  it("takes the coordinator from flag, then environment, then fleet.yaml, then the user's file", async () => {
    await user("url: http://user:1");
    expect(load().url()).toBe("http://user:1");
    await project("coordinator: { url: http://project:1 }");
    expect(load().url()).toBe("http://project:1");
    expect(load({}, { FLEET_URL: "http://environment:1" }).url()).toBe("http://environment:1");
    expect(load({ url: "http://flag:1/" }, { FLEET_URL: "http://environment:1" }).url()).toBe(
      "http://flag:1",
    );
    expect(load({}, { FLEET_URL: "" }).url()).toBe("http://project:1");
  });

  it("lets nodes be looked for without the coordinator unless the user's file says no", async () => {
    expect(load().dht).toBe(true);
    await user("dht: false");
    expect(load().dht).toBe(false);
  });

  it("takes the token from the flag's file, then the environment, then the user's file", async () => {
    await user("url: http://user:1\ntokenFile: ../../operator.token");
    expect(load().operatorToken()).toBe(inFile);
    expect(load({}, { FLEET_TOKEN: inEnvironment }).operatorToken()).toBe(inEnvironment);
    expect(load({ tokenFile: "operator.token" }, { FLEET_TOKEN: inEnvironment }).operatorToken()).toBe(
      inFile,
    );
  });

  it("does not send the user's token to another coordinator that a fleet.yaml names", async () => {
    await user("url: http://user:1\ntokenFile: ../../operator.token");
    await project("coordinator: { url: http://elsewhere:1 }");
    expect(() => load().operatorToken()).toThrow(fails("token-missing"));
    await user("tokenFile: ../../operator.token");
    expect(load().operatorToken()).toBe(inFile);
  });

  it("refuses a token of the wrong kind or form before anything is sent", () => {
    const nodeToken = formatToken(createToken("node", []));
    const url = { url: "http://flag:1" };
    expect(() => load(url, { FLEET_TOKEN: nodeToken }).operatorToken()).toThrow(fails("permission-denied"));
    expect(() => load(url, { FLEET_TOKEN: "hunter2" }).operatorToken()).toThrow(fails("token-wrong"));
    expect(() => load({ ...url, tokenFile: "nowhere" }).operatorToken()).toThrow(fails("file-missing"));
    expect(() => load(url).operatorToken()).toThrow(fails("token-missing"));
  });

  it("takes the app from the flag, then from fleet.yaml, and says when there is none", async () => {
    expect(() => load().app()).toThrow(fails("usage"));
    expect(load().appIfAny()).toBeNull();
    await project("app: shop");
    expect(load().app()).toBe("shop");
    expect(load({ app: "other" }).app()).toBe("other");
    expect(() => load({ app: "No!" }).app()).toThrow(fails("usage"));
  });

  it("reads another project file when told, and insists that it is there", async () => {
    await mkdir(join(directory, "sub"));
    await writeFile(join(directory, "sub/other.yaml"), "app: other");
    const settings = load({ config: "sub/other.yaml" });
    expect(settings.app()).toBe("other");
    expect(settings.projectDirectory).toBe(join(directory, "sub"));
    expect(() => load({ config: "nowhere.yaml" })).toThrow(fails("file-missing"));
  });

  it("refuses unknown keys in the user's file too", async () => {
    await user("token: abc");
    expect(() => load()).toThrow(/config\.yaml:1:1: unknown key `token`; did you mean `tokenFile`\?/);
  });

  it.each(["coordinator:7700", "ftp://x", "", "http://name:word@host"])(
    "%j is no coordinator's URL",
    (source) => {
      expect(() => normalizeUrl(source, "--url")).toThrow(fails("usage"));
    },
  );
});
