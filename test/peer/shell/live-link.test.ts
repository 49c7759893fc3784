// The live symlink, on a real disk.
import { mkdir, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { namesIn } from "../../../peer/shell/files.ts";
import { readLiveLink, removeLiveLink, swingLiveLink } from "../../../peer/shell/live-link.ts";
import { temporaryFolder } from "../../support/folders.ts";

async function app(): Promise<{ folder: string; link: string }> {
  const folder = await temporaryFolder();
  for (const name of ["a", "b"]) await mkdir(join(folder, "versions", name), { recursive: true });
  return { folder, link: join(folder, "live") };
}

describe("the live link", () => {
  test("points relatively into versions, and can be swung, read and removed", async () => {
    const { folder, link } = await app();
    expect(await readLiveLink(link)).toBeNull();
    await swingLiveLink(link, "a");
    expect(await readlink(link)).toBe("versions/a");
    await swingLiveLink(link, "b");
    await swingLiveLink(link, "b");
    expect(await readLiveLink(link)).toBe("b");
    await removeLiveLink(link);
    await removeLiveLink(link);
    expect(await readLiveLink(link)).toBeNull();
    expect(await namesIn(folder)).toEqual(["versions"]);
  });

  test("is there at every instant while it is swung", async () => {
    const { link } = await app();
    await swingLiveLink(link, "a");
    const seen = new Set<string>();
    let swinging = true;
    const watch = async () => {
      while (swinging) seen.add(await readlink(link));
    };
    const watchers = [watch(), watch()];
    for (let swing = 0; swing < 300; swing += 1) await swingLiveLink(link, swing % 2 === 0 ? "b" : "a");
    swinging = false;
    await Promise.all(watchers);
    expect([...seen].toSorted()).toEqual(["versions/a", "versions/b"]);
  });

  test("never points to a directory that is not there", async () => {
    const { link } = await app();
    await swingLiveLink(link, "a");
    await expect(swingLiveLink(link, "gone")).rejects.toMatchObject({ code: "install-failed" });
    expect(await readLiveLink(link)).toBe("a");
  });

  test.each(["/etc", "versions/../..", "versions/a/b", "versions/.hidden", "elsewhere"])(
    "that points to %s is refused by name",
    async (target) => {
      const { link } = await app();
      await symlink(target, link);
      await expect(readLiveLink(link)).rejects.toMatchObject({ code: "data-corrupt" });
      await expect(readLiveLink(link)).rejects.toThrow(link);
    },
  );

  test("that is a file or directory is refused and not replaced", async () => {
    const { link } = await app();
    await writeFile(link, "mine");
    await expect(readLiveLink(link)).rejects.toMatchObject({ code: "data-corrupt" });
    await expect(swingLiveLink(link, "a")).rejects.toMatchObject({ code: "data-corrupt" });
  });
});
