// What a person is told when something goes wrong.
// How a failure is told: one line, its code, what to do next.
import { describe, expect, it } from "vitest";
import { failureOf } from "../../cli/failure.ts";
import { createOutput, jsonLine } from "../../cli/output.ts";
import { ERRORS, FleetError, isErrorCode } from "../../protocol/errors.ts";
import { TestHost } from "./support/test-host.ts";

describe("a failure", () => {
  it("has the exit code and the next step of its code", () => {
    for (const code of Object.keys(ERRORS)) {
      if (!isErrorCode(code)) throw new Error(code);
      const { exitCode, next } = ERRORS[code];
      expect(failureOf(new FleetError(code, "why"))).toEqual({
        code,
        message: "why",
        next,
        exitCode,
        stack: null,
      });
    }
  });

  it("of fleet itself exits 1, and shows where it happened only when asked", () => {
    const bug = failureOf(new TypeError("x is not a function"));
    expect(bug).toMatchObject({ code: "internal", exitCode: 1, message: "x is not a function" });
    const quiet = new TestHost();
    createOutput(quiet, false).failure(bug);
    expect(quiet.stderr.text).toMatch(/^error: x is not a function\n {2}.*FLEET_DEBUG=1.*\n$/);
    const debugging = new TestHost({ env: { FLEET_DEBUG: "1" } });
    createOutput(debugging, false).failure(bug);
    expect(debugging.stderr.text).toContain("failure.test.ts");
    expect(failureOf("a string").message).toBe("a string");
  });

  it("is told on one line, and cannot command the terminal", () => {
    const host = new TestHost({ isTTY: true });
    createOutput(host, false).failure(failureOf(new FleetError("internal", "one\ntwo\u001b[2J")));
    expect(host.stderr.text.split("\n")[0]).toBe("\u001b[31merror:\u001b[39m one; two·[2J");
  });

  it("in JSON is JSON, without what a terminal would obey", () => {
    const line = jsonLine({ text: "\u001b[2J\u009b2J\u2028" });
    expect(line).toBe('{"text":"\\u001b[2J\\u009b2J\\u2028"}');
    expect(JSON.parse(line)).toEqual({ text: "\u001b[2J\u009b2J\u2028" });
  });
});
