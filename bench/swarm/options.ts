// What `bench:swarm` was asked for. Pure: reads nothing but its arguments, throws UsageError for what makes no sense.
import { parseArgs } from "node:util";

export const STOCK_NAMES = ["aria2", "libtorrent", "transmission", "webtorrent", "http"] as const;
export type StockName = (typeof STOCK_NAMES)[number];

export interface BenchOptions {
  readonly nodes: number;
  /** Rate of every node's link in each direction; null without shaping. */
  readonly mbit: number | null;
  /** Rate of the origin's link; null without shaping. */
  readonly originMbit: number | null;
  readonly mib: number;
  /** Null: as long as `fleet publish` chooses. */
  readonly pieceKib: number | null;
  readonly peers: readonly StockName[];
  readonly runs: number;
  readonly jsonPath: string | null;
}

export class UsageError extends Error {}

export const USAGE = `usage: npm run bench:swarm -- --nodes N --mbit R --mib F [options]

  --nodes N           nodes that receive, 1 to 200
  --mbit R            rate of every link in Mbit/s, in each direction
  --origin-mbit R     rate of the origin's link (default: as --mbit)
  --mib F             size of the artifact in MiB
  --piece-kib K       length of a piece (default: what \`fleet publish\` chooses)
  --peers A,B         stock systems to measure as well: ${STOCK_NAMES.join(", ")}
  --runs K            runs of each system, in turns (default 1)
  --json FILE         where the result goes; standard output otherwise
`;

const NODES_MAX = 200;
const MIB_MAX = 16 * 1024;
const RUNS_MAX = 100;

export function parseOptions(args: readonly string[]): BenchOptions {
  const values = readFlags(args);
  const mbit = rate(values.mbit, "--mbit");
  return {
    nodes: whole(values.nodes, "--nodes", NODES_MAX),
    mbit,
    originMbit: values["origin-mbit"] === undefined ? mbit : rate(values["origin-mbit"], "--origin-mbit"),
    mib: whole(values.mib, "--mib", MIB_MAX),
    pieceKib: values["piece-kib"] === undefined ? null : pieceKib(values["piece-kib"]),
    peers: stockNames(values.peers ?? ""),
    runs: whole(values.runs ?? "1", "--runs", RUNS_MAX),
    jsonPath: values.json ?? null,
  };
}

const FLAGS = {
  nodes: { type: "string" },
  mbit: { type: "string" },
  "origin-mbit": { type: "string" },
  mib: { type: "string" },
  "piece-kib": { type: "string" },
  peers: { type: "string" },
  runs: { type: "string" },
  json: { type: "string" },
} as const;

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause));
  }
}

function whole(source: string | undefined, flag: string, max: number): number {
  if (source === undefined) throw new UsageError(`${flag} is missing`);
  const value = /^[0-9]{1,9}$/.test(source) ? Number(source) : 0;
  if (value < 1 || value > max)
    throw new UsageError(`${flag} ${source}: expected a whole number from 1 to ${max}`);
  return value;
}

function rate(source: string | undefined, flag: string): number {
  if (source === undefined) throw new UsageError(`${flag} is missing`);
  const value = /^[0-9]+(\.[0-9]+)?$/.test(source) ? Number(source) : 0;
  if (value < 0.1 || value > 100_000)
    throw new UsageError(`${flag} ${source}: expected Mbit/s from 0.1 to 100000`);
  return value;
}

function pieceKib(source: string): number {
  const value = whole(source, "--piece-kib", 16 * 1024);
  if (value < 16 || Math.log2(value) % 1 !== 0)
    throw new UsageError(`--piece-kib ${source}: expected a power of two from 16 to 16384`);
  return value;
}

function stockNames(source: string): readonly StockName[] {
  const names = source.split(",").filter((name) => name !== "");
  return [...new Set(names)].map((name) => {
    const known = STOCK_NAMES.find((candidate) => candidate === name);
    if (known === undefined)
      throw new UsageError(`--peers ${name}: expected some of ${STOCK_NAMES.join(", ")}`);
    return known;
  });
}
