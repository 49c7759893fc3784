// The command line that gives the same numbers again, from the flags that were given. Pure.
import { flagName } from "./flags.ts";

/** Where results go and how they are printed changes none of them. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(["out", "json"]);

/** `fleet sim run --nodes 10,100`, in the order in which the flags were given, quoted where a shell needs it. */
export function commandLine(command: string, flags: object): string {
  const parts = Object.entries(flags)
    .filter(([name, value]) => !WITHOUT_EFFECT.has(name) && value !== undefined && value !== false)
    .map(([name, value]) => (value === true ? flagName(name) : `${flagName(name)} ${quoted(String(value))}`));
  return [`fleet ${command}`, ...parts].join(" ");
}

function quoted(value: string): string {
  return /^[\w.,@%/:+=-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
