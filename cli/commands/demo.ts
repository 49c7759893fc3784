// `fleet demo`: shows the main job on this machine with a real coordinator, real peers and a real service.
import type { Command } from "commander";
import { type Context, type GlobalFlags, type Outcome, type Run, withJson } from "../command.ts";
import { untilStopSignal } from "../stop-signal.ts";

interface DemoFlags extends GlobalFlags {
  readonly keep: boolean;
}

export function registerDemo(program: Command, run: Run): void {
  withJson(program.command("demo"))
    .summary("show a fleet of eight nodes on this machine")
    .description(
      "Start a coordinator and eight peers in a temporary folder, release a web service to them in three ways, " +
        "check every claim on the way, and clean up. Takes one to two minutes and about 5 GB of disk for that time.",
    )
    .option("--keep", "leave it running until Ctrl-C, to try commands on", false)
    .action((flags: DemoFlags) => run(flags, (context) => showDemo(context, flags)));
}

async function showDemo({ host, output }: Context, flags: DemoFlags): Promise<Outcome> {
  const { runDemo } = await import("../demo/demo.ts");
  const stop = untilStopSignal(host);
  try {
    const print = (text: string) => void (output.isJson ? host.stderr : host.stdout).write(text);
    await runDemo({ command: host.selfCommand, keep: flags.keep, stop: stop.signal, print });
    return {
      exitCode: stop.signal.aborted && !flags.keep ? 130 : 0,
      json: { kind: "demo", stopped: stop.signal.aborted },
    };
  } finally {
    stop.forget();
  }
}
