// The command line as a whole: which commands there are, and how what they give back is printed.
import { Command, CommanderError } from "commander";
import { ERRORS } from "../protocol/errors.ts";
import { createContext, type Outcome, type Register, type Run } from "./command.ts";
import { registerCoordinator } from "./commands/coordinator.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerExplain } from "./commands/explain.ts";
import { registerKey } from "./commands/key.ts";
import { registerLimits } from "./commands/limits.ts";
import { registerNodes } from "./commands/nodes.ts";
import { registerPause, registerResume } from "./commands/pause.ts";
import { registerPeer } from "./commands/peer.ts";
import { registerPublish } from "./commands/publish.ts";
import { registerRelease } from "./commands/release.ts";
import { registerReleases } from "./commands/releases.ts";
import { registerRollback } from "./commands/rollback.ts";
import { registerSim } from "./commands/sim.ts";
import { registerStage } from "./commands/stage.ts";
import { registerStatus } from "./commands/status.ts";
import { registerToken } from "./commands/token.ts";
import { registerTorrent } from "./commands/torrent.ts";
import { registerVersion } from "./commands/version.ts";
import { type Failure, failureOf } from "./failure.ts";
import type { Host } from "./host.ts";
import { createOutput, type Output } from "./output.ts";
import { FLEET_VERSION } from "./version.ts";

/** In the order in which the help lists them. */
const COMMANDS: readonly Register[] = [
  registerRelease,
  registerRollback,
  registerPause,
  registerResume,
  registerStatus,
  registerPublish,
  registerStage,
  registerNodes,
  registerExplain,
  registerReleases,
  registerTorrent,
  registerLimits,
  registerCoordinator,
  registerPeer,
  registerKey,
  registerToken,
  registerSim,
  registerDemo,
  registerVersion,
];

/** Runs one command line, without the program's name. Never throws; gives the exit code. */
export async function runFleet(args: readonly string[], host: Host): Promise<number> {
  const output = createOutput(host, asksForJson(args));
  let exitCode = 0;
  const program = buildProgram(host, async (flags, action) => {
    exitCode = print(await action(createContext(host, output, flags)), output);
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof CommanderError && error.code === "commander.help") return printHelp(error, output);
    const failure = failureOf(error);
    return printFailure(
      failure.code === "usage" ? { ...failure, next: usageNext(failure, program, args) } : failure,
      output,
    );
  }
}

export function buildProgram(host: Host, run: Run): Command {
  const program = new Command("fleet")
    .description("Release an artifact to hundreds of machines at once, and switch them over safely.")
    .version(FLEET_VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      // Commander's errors arrive as exceptions and are printed like all others; only help comes here.
      outputError: () => undefined,
      writeErr: (text) => void host.stderr.write(text),
      getOutHelpWidth: () => host.stdout.columns ?? 80,
      getOutHasColors: () => false,
    })
    .addHelpText("after", HELP);
  for (const register of COMMANDS) register(program, run);
  return program;
}

const HELP = `
Environment: FLEET_URL the coordinator, FLEET_TOKEN an operator token, NO_COLOR no colours, FLEET_DEBUG=1 stack traces.
Files: fleet.yaml in this folder describes the app; ~/.config/fleet holds config.yaml and publisher.key.`;

function print(outcome: Outcome, output: Output): number {
  for (const line of outcome.text?.(output.paint) ?? []) output.line(line);
  if (outcome.failure !== undefined) output.failure(outcome.failure);
  if (outcome.json !== undefined) output.json(outcome.json);
  return outcome.exitCode;
}

function printFailure(failure: Failure, output: Output): number {
  const { code, message, next, exitCode } = failure;
  output.failure(failure);
  output.json({ error: { code, message, next } });
  return exitCode;
}

/** Names the command whose help says more, unless the error has better advice than the table's. */
function usageNext({ next }: Failure, program: Command, args: readonly string[]): string {
  return next === ERRORS.usage.next
    ? `\`${["fleet", ...namesOf(program, args)].join(" ")} --help\` shows what it takes.`
    : next;
}

/** The command that was meant: a group's name, then the one in the group. */
function namesOf(group: Command, [first, ...rest]: readonly string[]): readonly string[] {
  const command = group.commands.find((candidate) => candidate.name() === first);
  return command === undefined ? [] : [command.name(), ...namesOf(command, rest)];
}

/** A group of commands was named and none of them. */
function printHelp(error: CommanderError, output: Output): number {
  const { code, next, exitCode } = failureOf(error);
  output.json({ error: { code, message: "a command is missing", next } });
  return exitCode;
}

/** Known before parsing, because a command line that cannot be parsed must also be answered in JSON. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end === -1 ? args.length : end).includes("--json");
}
