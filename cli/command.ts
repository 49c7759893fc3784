// What every command is made of: it gets a context and gives back data and an exit code; it prints nothing itself.
import type { Command } from "commander";
import { FleetError } from "../protocol/errors.ts";
import { type Client, createClient } from "./client.ts";
import { loadSettings, type SettingFlags, type Settings } from "./config/settings.ts";
import type { Failure } from "./failure.ts";
import type { Paint } from "./format/text.ts";
import type { Host } from "./host.ts";
import type { Output } from "./output.ts";

export interface Outcome {
  readonly exitCode: number;
  /** The object on the last line under --json; undefined when the command printed all of it on the way. */
  readonly json?: unknown;
  /** The lines people see. */
  readonly text?: (paint: Paint) => readonly string[];
  /** For work that ended badly but whose result is still worth printing. */
  readonly failure?: Failure;
}

export interface GlobalFlags extends SettingFlags {
  readonly json?: boolean;
}

export interface Context {
  readonly host: Host;
  readonly output: Output;
  /** Reads the files at the first call. */
  settings(): Settings;
  /** An authorised client of the coordinator the settings name. */
  client(): Client;
}

/** Runs an action and prints its outcome. Given to every command when it is registered. */
export type Run = (
  flags: GlobalFlags,
  action: (context: Context) => Promise<Outcome> | Outcome,
) => Promise<void>;

export type Register = (program: Command, run: Run) => void;

export function createContext(host: Host, output: Output, flags: GlobalFlags): Context {
  let settings: Settings | null = null;
  const load = (): Settings => {
    settings ??= loadSettings(host, flags);
    return settings;
  };
  return {
    host,
    output,
    settings: load,
    client: () => createClient({ url: load().url(), token: load().operatorToken() }),
  };
}

export function withJson(command: Command): Command {
  return command.option("--json", "print JSON, one object per line");
}

/** Options of every command that talks to a coordinator as an operator. */
export function withConnection(command: Command): Command {
  return withJson(command)
    .option("--url <url>", "coordinator, http://HOST:PORT (FLEET_URL, fleet.yaml)")
    .option("--token-file <file>", "file with an operator token (or FLEET_TOKEN)")
    .option("--config <file>", "project file (default: fleet.yaml in this folder)");
}

export function withApp(command: Command): Command {
  return command.option("--app <name>", "app (default: from fleet.yaml)");
}

/** Gathers a repeatable option. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Decodes a value from the command line. FleetError `code` naming what is wrong. */
export function decodeFlag<T>(
  schema: { readonly decode: (value: unknown, path: string) => T },
  value: unknown,
  options: { readonly name: string; readonly code?: "usage" | "version-invalid" },
): T {
  try {
    return schema.decode(value, options.name);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new FleetError(options.code ?? "usage", `${cause.message}, not ${JSON.stringify(value)}`, {
      cause,
    });
  }
}
