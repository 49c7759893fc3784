// The log's two forms, and the secrets that never get into it.
import { describe, expect, it } from "vitest";
import { createLogger } from "../../cli/log.ts";
import { createToken, formatToken, parseToken } from "../../protocol/shell/token.ts";
import { TestHost } from "./support/test-host.ts";

describe("the log", () => {
  it("is one JSON object per line when nobody looks", () => {
    const host = new TestHost();
    createLogger(host, "info").info({ node: "node-1" }, "joined");
    createLogger(host, "info").debug("not asked for");
    const lines = host.stderr.text.trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: 30, node: "node-1", msg: "joined" });
  });

  it("is one short line for a person at a terminal", () => {
    const host = new TestHost({ isTTY: true, env: { NO_COLOR: "1" } });
    const log = createLogger(host, "info");
    log.warn({ node: "node-1", why: "two words", count: 3 }, "slow\u001b[2J");
    log.error({ err: new Error("broken") }, "failed");
    expect(host.stderr.text.replace(/^\d\d:\d\d:\d\d/gm, "TIME")).toBe(
      'TIME warn  slow·[2J  node=node-1 why="two words" count=3\nTIME error failed  error=broken\n',
    );
  });

  it("never shows a secret that was logged by mistake", () => {
    const host = new TestHost();
    const log = createLogger(host, "info");
    const token = formatToken(createToken("node", []));
    log.info({ token, why: `refused ${token}` }, `what is ${token}?`);
    expect(host.stderr.text).not.toContain(parseToken(token).secret);
    expect(host.stderr.text).toContain(parseToken(token).id);
    log.info(
      { secret: "hunter2", hello: { joinToken: "hunter2" }, headers: { authorization: "hunter2" } },
      "oops",
    );
    expect(host.stderr.text).not.toContain("hunter2");
  });

  it("goes to stderr only", () => {
    const host = new TestHost();
    createLogger(host, "info").info("x");
    expect(host.stdout.text).toBe("");
  });
});
