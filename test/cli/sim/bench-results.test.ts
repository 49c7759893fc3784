// What is taken from the files that the benchmark of real swarms writes, and which files are refused.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readRealRuns, resultFilesIn } from "../../../cli/sim/bench-results.ts";
import { failure } from "../../support/failure.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { benchReport } from "../support/bench-report.ts";

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
});

async function write(content: unknown, name = "result.json"): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

describe("a result of the benchmark", () => {
  it("gives every run of fleet that succeeded, with what it was measured under", async () => {
    const runs = [
      { p50Seconds: 19 },
      { p50Seconds: 20, succeeded: false },
      { p50Seconds: 21, idleShare: 0.1 },
    ];
    expect(readRealRuns(await write(benchReport({ policy: "few-links" }, runs)))).toEqual([
      expect.objectContaining({
        source: "result.json",
        conditions: {
          nodes: 16,
          mbit: 8,
          originMbit: 8,
          slow: null,
          artifactBytes: 16 * 1024 * 1024,
          pieceLength: 32_768,
          policy: "few-links",
        },
        p50Seconds: 19,
        idleShare: 0.5,
      }),
      expect.objectContaining({ p50Seconds: 21, idleShare: 0.1 }),
    ]);
  });

  it("tells who joined in which order, or does not know", async () => {
    const members = { generation: 2, mbit: [8, 2, 8, 8] };
    const slow = { share: 0.25, factor: 0.25 };
    const file = await write(benchReport({ nodes: 4, slow }, [{ members }, {}]));
    expect(readRealRuns(file).map((run) => run.members)).toEqual([members, null]);
  });

  it("without a policy was measured with the one that ships", async () => {
    const [run] = readRealRuns(await write(benchReport({ policy: undefined })));
    expect(run?.conditions.policy).toBe("shipped");
  });

  it.each([
    ["links without a rate", benchReport({ mbit: null, originMbit: null }), /its links had no known rate$/],
    ["kills", benchReport({ fault: { kind: "origin" } }), /processes were killed in it/],
    ["no pieces", { ...benchReport(), pieceLength: null }, /fleet was not measured in it$/],
    ["another format", { ...benchReport(), format: 2 }, /format: expected 1$/],
    [
      "nodes that joined and were not there",
      benchReport({}, [{ members: { generation: 1, mbit: [8, 8, 1] } }]),
      /those who joined are not the nodes/,
    ],
    ["no JSON", "{", /is no result to compare with: /],
  ])("is refused with %s", async (_, content, message) => {
    const file = await write(content);
    expect(() => readRealRuns(file)).toThrow(expect.objectContaining(failure("config-invalid", message)));
  });

  it("that is not there is told by its name", () => {
    const file = path.join(folder, "none.json");
    expect(() => readRealRuns(file)).toThrow(expect.objectContaining(failure("file-missing", /none\.json/)));
  });
});

describe("a folder of results", () => {
  it("is read in the order of the names, JSON files only", async () => {
    await write({}, "b.json");
    await write({}, "a.json");
    await write("notes", "c.md");
    expect(resultFilesIn(folder).map((file) => path.basename(file))).toEqual(["a.json", "b.json"]);
  });

  it("may be empty, or not there", async () => {
    await mkdir(path.join(folder, "empty"));
    expect(resultFilesIn(path.join(folder, "empty"))).toEqual([]);
    expect(resultFilesIn(path.join(folder, "none"))).toEqual([]);
  });
});
