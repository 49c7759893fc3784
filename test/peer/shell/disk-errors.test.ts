// System errors become the failure a person is told, and nothing else does.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { checkDiskSpace, diskError, errnoOf } from "../../../peer/shell/disk-errors.ts";
import { FleetError } from "../../../protocol/errors.ts";
import { temporaryFolder } from "../../support/folders.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: no luck, write`), { code, errno: -1, syscall: "write" });
}

test.each(["ENOSPC", "EDQUOT"])("%s means that the disk is full", (code) => {
  expect(diskError(systemError(code), "install-failed", "cannot write")).toMatchObject({
    code: "disk-full",
    message: `cannot write: ${code}: no luck, write`,
  });
});

test("any other system error means what its caller says", () => {
  expect(diskError(systemError("EIO"), "file-missing", "cannot read")).toMatchObject({
    code: "file-missing",
  });
});

test("a failure with a meaning of its own stays what it is", () => {
  const others = [
    new FleetError("archive-corrupt", "x"),
    new Error("bug"),
    new DOMException("stop", "AbortError"),
    7,
  ];
  for (const cause of others) expect(diskError(cause, "file-missing", "cannot read")).toBe(cause);
});

test("a real system error is known by its code", async () => {
  const folder = await temporaryFolder();
  const failure: unknown = await readFile(`${folder}/nothing`).catch((cause: unknown) => cause);
  expect(errnoOf(failure)).toBe("ENOENT");
});

test("room on the disk is checked before it is needed", async () => {
  const folder = await temporaryFolder();
  await expect(checkDiskSpace(folder, 1)).resolves.toBeUndefined();
  await expect(checkDiskSpace(folder, Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({ code: "disk-full" });
});
