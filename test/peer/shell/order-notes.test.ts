// Notes of orders on a real disk.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { OrderNotes } from "../../../peer/shell/order-notes.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { stageOrderOf } from "./fake-fleet.ts";
import { testRelease } from "./fake-world.ts";

const [v1, v2] = [stageOrderOf(testRelease("v1"), 1), stageOrderOf(testRelease("v2"), 2)];
const limits = { kind: "limits", uploadBytesPerSecondMax: null, downloadBytesPerSecondMax: 1 } as const;

async function newNotes(): Promise<{ folder: string; notes: OrderNotes; warnings: string[] }> {
  const folder = await temporaryFolder();
  const warnings: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => warnings.push(line) });
  return { folder, notes: new OrderNotes(folder, logger), warnings };
}

describe("notes of orders", () => {
  test("are read as they were written last, until they are struck", async () => {
    const { notes } = await newNotes();
    await notes.write(v1);
    await notes.write(v2);
    await notes.write({ ...v1, paused: true });
    await notes.write({ kind: "limits", uploadBytesPerSecondMax: 9_000, downloadBytesPerSecondMax: null });
    await notes.write(limits);
    const { stages } = await notes.read();
    expect(stages.toSorted((a, b) => a.generation - b.generation)).toEqual([{ ...v1, paused: true }, v2]);
    await notes.strike(v1.release);
    await notes.strike(v1.release);
    expect(await notes.read()).toEqual({ stages: [v2], limits });
  });

  test("that are damaged are told of and removed; other files are left alone", async () => {
    const { folder, notes, warnings } = await newNotes();
    await writeFile(join(folder, "half.order"), new Uint8Array([0x82]));
    await writeFile(join(folder, "README"), "mine");
    expect(await notes.read()).toEqual({ stages: [], limits: null });
    expect(await readdir(folder)).toEqual(["README"]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("half.order");
  });

  test("that cannot be written are told of, and nothing is left half-written", async () => {
    const { folder, notes, warnings } = await newNotes();
    await notes.write(v1);
    const [name = ""] = await readdir(folder);
    await rm(join(folder, name));
    await mkdir(join(folder, name));
    await notes.write(v1);
    expect(await readdir(folder)).toEqual([name]);
    expect(warnings[0]).toContain("after a restart it waits for the coordinator");
  });
});
