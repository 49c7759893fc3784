// `fleet key create` and `fleet key show`: the publisher's key on this machine.
import type { Command } from "commander";
import { type Context, type GlobalFlags, type Outcome, type Run, withJson } from "../command.ts";
import { publisherKeyPath, resolvePath } from "../config/paths.ts";
import { createPublisherKey, readPublisherKey } from "../publisher-key.ts";

interface KeyFlags extends GlobalFlags {
  readonly key?: string;
}

export function registerKey(program: Command, run: Run): void {
  const key = program
    .command("key")
    .summary("create or show the publisher's key")
    .description(
      "The key that releases are signed with. It stays on this machine; nodes are told its public half when they " +
        "join, and refuse every release that no key they trust has signed.",
    );
  withKeyFile(key.command("create"))
    .summary("create the key and print its public half")
    .action((flags: KeyFlags) => run(flags, (context) => createKey(context, flags)));
  withKeyFile(key.command("show"))
    .summary("print the public half of the key")
    .action((flags: KeyFlags) => run(flags, (context) => showKey(context, flags)));
}

function createKey({ host, output }: Context, flags: KeyFlags): Outcome {
  const path = pathOf(host, flags);
  const { publicKey } = createPublisherKey(path);
  if (!output.isJson) output.note(`the private key is in ${path}; keep a copy where only you can reach it`);
  return { exitCode: 0, json: { publicKey, path }, text: () => [publicKey] };
}

function showKey({ host }: Context, flags: KeyFlags): Outcome {
  const path = pathOf(host, flags);
  const { publicKey } = readPublisherKey(path);
  return { exitCode: 0, json: { publicKey, path }, text: () => [publicKey] };
}

function pathOf(host: Context["host"], { key }: KeyFlags): string {
  return key === undefined ? publisherKeyPath(host) : resolvePath(host, host.cwd, key);
}

function withKeyFile(command: Command): Command {
  return withJson(command).option("--key <file>", "key file (default: publisher.key in ~/.config/fleet)");
}
