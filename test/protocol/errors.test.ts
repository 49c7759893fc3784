// The table of errors: every code is complete, and an error carries what a person needs.
import { describe, expect, test } from "vitest";
import { ERRORS, type ErrorCode, FleetError, isErrorCode } from "../../protocol/errors.ts";
import { decodeCoordinatorFrame, encodeFrame } from "../../protocol/shell/frame.ts";

const codes = Object.keys(ERRORS) as ErrorCode[];

describe.each(codes)("%s", (code) => {
  const { exitCode, httpStatus, next } = ERRORS[code];

  test("can travel in a message", () => {
    const refuse = { kind: "refuse", code, message: "m" } as const;
    expect(decodeCoordinatorFrame(encodeFrame(refuse))).toEqual(refuse);
  });

  test("ends the command with a code that the manual names", () => {
    expect([1, 2, 3, 4, 5, 7, 130]).toContain(exitCode);
  });

  test("is answered with the HTTP status of a failure, and blames the caller only for what the caller did", () => {
    expect(httpStatus).toBeGreaterThanOrEqual(400);
    expect(httpStatus).toBeLessThan(600);
    if (exitCode === 2) expect(httpStatus).toBeLessThan(500);
  });

  test("says in one sentence what to do next", () => {
    expect(next).toMatch(/^[A-Z].*[^.]\.$/);
    expect(next.length).toBeLessThanOrEqual(120);
  });
});

describe("an error", () => {
  test("has the message, the code, its exit code, the next step and the cause", () => {
    const cause = new Error("EACCES");
    const error = new FleetError("disk-full", "12 MB are missing on /srv", { cause });
    expect(error).toMatchObject({
      message: "12 MB are missing on /srv",
      code: "disk-full",
      exitCode: 5,
      cause,
    });
    expect(error.next).toBe(ERRORS["disk-full"].next);
    expect(error).toBeInstanceOf(Error);
  });

  test("may know a better next step than the table", () => {
    expect(new FleetError("usage", "m", { next: "Do this." }).next).toBe("Do this.");
  });

  test("has no cause when there is none", () => {
    expect("cause" in new FleetError("usage", "m")).toBe(false);
  });
});

test.each(["", "nonsense", "__proto__", "constructor", "toString"])("%j is no code", (text) => {
  expect(isErrorCode(text)).toBe(false);
});

test.each(["usage", "internal"])("%j is a code", (text) => {
  expect(isErrorCode(text)).toBe(true);
});
