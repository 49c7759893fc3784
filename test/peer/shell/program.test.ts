// Programs of a release as real processes: what they get, how they end, what becomes of their output.
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { OUTPUT_BYTES_MAX, type ProgramOptions, problemOf, runProgram } from "../../../peer/shell/program.ts";
import { LOG_LINE_CHARS_MAX, LOG_TAIL_LINES_MAX } from "../../../protocol/limits.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { endAfterTest, isRunning, until } from "../processes.ts";

const PATH = process.env.PATH ?? "";

async function programIn(
  argv: readonly string[],
  change: Partial<ProgramOptions> = {},
): Promise<ProgramOptions> {
  const directory = await temporaryFolder();
  return {
    argv,
    directory,
    environment: { PATH },
    timeoutMs: 30_000,
    graceMs: 2_000,
    output: join(directory, "logs", "out.log"),
    ...change,
  };
}

function shell(script: string): readonly string[] {
  return ["sh", "-c", script];
}

describe("what a program is given", () => {
  test("every argument arrives as it is, however much it looks like shell", async () => {
    const nasty = [
      "$(touch pwned)",
      "`touch pwned`",
      "; touch pwned",
      "a\nb",
      "|&><*?~",
      "\"'\\",
      "",
      "-n",
      "ü ",
    ];
    const options = await programIn(["printf", "<%s>", ...nasty]);
    const { result } = await runProgram(options);
    expect(result).toEqual({ kind: "exited", code: 0 });
    expect(await readFile(options.output, "utf8")).toBe(nasty.map((argument) => `<${argument}>`).join(""));
    expect(existsSync(join(options.directory, "pwned"))).toBe(false);
  });

  test("only the environment it is meant to see, its directory as working directory, and no input", async () => {
    const options = await programIn(["/usr/bin/env"], { environment: { FLEET_APP: "web" } });
    await runProgram(options);
    expect(await readFile(options.output, "utf8")).toBe("FLEET_APP=web\n");
    const where = await programIn(shell("pwd; cat"));
    expect((await runProgram(where)).result).toEqual({ kind: "exited", code: 0 });
    expect(await readFile(where.output, "utf8")).toBe(`${where.directory}\n`);
  });

  test("a relative path with a slash is looked up in the release, a bare name in PATH", async () => {
    const options = await programIn(["./run", "x"]);
    await writeFile(join(options.directory, "run"), "#!/bin/sh\necho ran $1\n", { mode: 0o755 });
    expect((await runProgram(options)).result).toEqual({ kind: "exited", code: 0 });
    expect((await runProgram({ ...options, argv: ["run"] })).result.kind).toBe("not-started");
  });
});

describe("how a program ends", () => {
  test("its exit code and the signal that ended it are told apart", async () => {
    const failing = await runProgram(await programIn(shell("echo broken >&2; exit 3")));
    expect(failing).toEqual({ result: { kind: "exited", code: 3 }, logTail: ["broken"] });
    const killed = await runProgram(await programIn(shell("kill -9 $$")));
    expect(killed.result).toEqual({ kind: "killed", signal: "SIGKILL" });
  });

  test.each([["a program that does not exist"], ["an argument with a NUL"]])(
    "%s is a result",
    async (what) => {
      const argv = what.includes("NUL") ? ["printf", "a\0b"] : ["/nonexistent/program"];
      const { result } = await runProgram(await programIn(argv));
      expect(result.kind).toBe("not-started");
      expect(problemOf(result, 1_000)).toMatch(/^could not be started: ./);
    },
  );

  test("it is over when it exits, even if a child that lives on holds its output", async () => {
    const options = await programIn(shell("sleep 300 & echo $! >child; echo started"));
    expect((await runProgram(options)).result).toEqual({ kind: "exited", code: 0 });
    const child = Number(await readFile(join(options.directory, "child"), "utf8"));
    endAfterTest(child);
    expect(isRunning(child)).toBe(true);
  });

  test("what a child that lives on writes later still finds its way, and does not hurt it", async () => {
    const script = "(while [ ! -e go ]; do sleep 0.02; done; echo later; echo done >finished) & echo now";
    const options = await programIn(shell(script));
    await runProgram(options);
    await writeFile(join(options.directory, "go"), "");
    await until("the child finishes", () => existsSync(join(options.directory, "finished")));
    expect(await readFile(options.output, "utf8")).toBe("now\nlater\n");
  });

  test("its time limit ends its children and grandchildren too", async () => {
    const script = "sh -c 'sleep 300 & echo $! >grandchild; wait' & echo $! >child; wait";
    const options = await programIn(shell(script), { timeoutMs: 400 });
    const { result } = await runProgram(options);
    expect(result).toEqual({ kind: "timed-out" });
    expect(problemOf(result, 400)).toBe("was still running after 0.4 s");
    for (const name of ["child", "grandchild"]) {
      const pid = Number(await readFile(join(options.directory, name), "utf8"));
      endAfterTest(pid);
      await until(`${name} is gone`, () => !isRunning(pid));
    }
  });

  test("one that ignores SIGTERM is killed after the grace", async () => {
    const options = await programIn(shell("trap '' TERM; echo $$ >self; while :; do sleep 0.05; done"), {
      timeoutMs: 200,
      graceMs: 300,
    });
    expect((await runProgram(options)).result).toEqual({ kind: "timed-out" });
    expect(isRunning(Number(await readFile(join(options.directory, "self"), "utf8")))).toBe(false);
  });

  test("one that is given up ends at once", async () => {
    const abort = new AbortController();
    const options = await programIn(["sleep", "300"], {
      graceMs: 0,
      signal: abort.signal,
      onStart: async () => abort.abort(),
    });
    expect((await runProgram(options)).result).toEqual({ kind: "aborted" });
  });
});

describe("what a program writes", () => {
  test("output without end fills neither disk nor report", async () => {
    const options = await programIn(shell(`yes ${"x".repeat(2_000)}`), { timeoutMs: 500, graceMs: 0 });
    const { result, logTail } = await runProgram(options);
    expect(result.kind).toBe("timed-out");
    expect((await stat(options.output)).size).toBeLessThanOrEqual(OUTPUT_BYTES_MAX);
    expect(logTail.length).toBeLessThanOrEqual(LOG_TAIL_LINES_MAX);
    for (const line of logTail) expect(line.length).toBeLessThanOrEqual(LOG_LINE_CHARS_MAX);
  });

  test("the report has the last lines of this run only, without control characters", async () => {
    const options = await programIn(shell("printf 'old\\n'; exit 1"));
    await runProgram(options);
    const script =
      "i=1; while [ $i -le 50 ]; do printf 'line \\033[31m%s\\033[0m\\a\\r\\n' $i; i=$((i+1)); done; exit 1";
    const { logTail } = await runProgram({ ...options, argv: shell(script) });
    expect(logTail).toHaveLength(LOG_TAIL_LINES_MAX);
    expect(logTail[0]).toBe("line 31");
    expect(logTail.at(-1)).toBe("line 50");
    const { logTail: none } = await runProgram({ ...options, argv: shell("exit 1") });
    expect(none).toEqual([]);
  });

  test("its log is readable by its owner alone", async () => {
    const options = await programIn(["true"]);
    await runProgram(options);
    expect((await stat(options.output)).mode & 0o777).toBe(0o600);
  });
});
