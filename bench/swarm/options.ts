// What `bench:swarm` was asked for. Pure: reads nothing but its arguments, throws UsageError for what makes no sense.
import { parseArgs } from "node:util";
import { POLICY_NAMES, type PolicyName } from "../../sim/core/policies.ts";

export const STOCK_NAMES = ["aria2", "libtorrent", "transmission", "webtorrent", "http"] as const;
export type StockName = (typeof STOCK_NAMES)[number];
export const SYSTEM_NAMES = ["fleet", ...STOCK_NAMES] as const;
export type SystemName = (typeof SYSTEM_NAMES)[number];

export interface BenchOptions {
  readonly nodes: number;
  /** Rate of every node's link in each direction; null without shaping. */
  readonly mbit: number | null;
  /** Rate of the origin's link; null without shaping. */
  readonly originMbit: number | null;
  /** What may wait before each link until packets are dropped; null: what it carries in a twentieth of a second. */
  readonly queueKib: number | null;
  readonly mib: number;
  /** Another release of this size is staged before, by the same processes; null: the first is what is measured. */
  readonly warmUpMib: number | null;
  /** Null: as long as `fleet publish` chooses. */
  readonly pieceKib: number | null;
  /** In the order in which they run. */
  readonly systems: readonly SystemName[];
  readonly runs: number;
  readonly jsonPath: string | null;
  /** So many of the nodes have only so much of the rate. */
  readonly slow: { readonly share: number; readonly factor: number } | null;
  readonly fault: Fault | null;
  /** Where files are written; each run removes its own. */
  readonly workDirectory: string | null;
  /** Logs of every process are kept here; null: nowhere. */
  readonly logsDirectory: string | null;
  /** Program that runs `fleet`; null: the sources. */
  readonly main: string | null;
  /** What fleet is made to do instead of what ships; null: nothing is changed. */
  readonly policy: PolicyName | null;
}

/** What is killed with SIGKILL, and when. `at` is a share of the bytes that all nodes together must receive. */
export type Fault =
  | { readonly kind: "peers"; readonly share: number; readonly at: number }
  | { readonly kind: "coordinator"; readonly at: number }
  /** The process that holds the origin, as soon as the nodes between them hold every piece. */
  | { readonly kind: "origin" };

export class UsageError extends Error {}

export const USAGE = `usage: npm run bench:swarm -- --nodes N --mbit R --mib F [options]

  --nodes N               nodes that receive, 1 to 200
  --mbit R                rate of every link in Mbit/s, in each direction
  --origin-mbit R         rate of the origin's link (default: as --mbit)
  --queue-kib K           what may wait before each link until packets are dropped (default: what it carries in 50 ms)
  --unshaped              links as fast as the machine, instead of --mbit
  --mib F                 size of the artifact in MiB
  --warm-up M             stage another release of M MiB before, as agents that are in service have done
  --piece-kib K           length of a piece (default: what \`fleet publish\` chooses)
  --peers A,B             stock systems to measure as well: ${STOCK_NAMES.join(", ")}
  --only A,B              measure only these, of fleet and the stock systems
  --runs K                runs of each system, in turns (default 1)
  --slow 25%@0.25         a quarter of the nodes has a quarter of the rate
  --kill 10%@50%          kill a tenth of the nodes when all nodes together have half their bytes
  --kill-origin full-copy kill the coordinator once the nodes hold a full copy between them
  --kill-coordinator 50%  kill the coordinator when the nodes have half their bytes, and start it again
  --json FILE             where the result goes (default: standard output)
  --work DIR              where files are written (default: the system's temporary folder)
  --logs DIR              keep the logs of every process there
  --main FILE             a built fleet instead of the sources
  --policy NAME           fleet from sources with another policy: ${POLICY_NAMES.join(", ")}
`;

const NODES_MAX = 200;
const MIB_MAX = 16 * 1024;
const RUNS_MAX = 100;
const PIECE_KIB_MIN = 16;
const PIECE_KIB_MAX = 16 * 1024;
const QUEUE_KIB_MAX = 64 * 1024;

const FLAGS = {
  nodes: { type: "string" },
  mbit: { type: "string" },
  "origin-mbit": { type: "string" },
  "queue-kib": { type: "string" },
  unshaped: { type: "boolean" },
  mib: { type: "string" },
  "warm-up": { type: "string" },
  "piece-kib": { type: "string" },
  peers: { type: "string" },
  only: { type: "string" },
  runs: { type: "string" },
  slow: { type: "string" },
  kill: { type: "string" },
  "kill-origin": { type: "string" },
  "kill-coordinator": { type: "string" },
  json: { type: "string" },
  work: { type: "string" },
  logs: { type: "string" },
  main: { type: "string" },
  policy: { type: "string" },
} as const;

type Flags = ReturnType<typeof readFlags>;

export function parseOptions(args: readonly string[]): BenchOptions {
  const flags = readFlags(args);
  const options: BenchOptions = {
    nodes: whole(flags.nodes, "--nodes", NODES_MAX),
    ...ratesOf(flags),
    queueKib:
      flags["queue-kib"] === undefined ? null : whole(flags["queue-kib"], "--queue-kib", QUEUE_KIB_MAX),
    mib: whole(flags.mib, "--mib", MIB_MAX),
    warmUpMib: flags["warm-up"] === undefined ? null : whole(flags["warm-up"], "--warm-up", MIB_MAX),
    pieceKib: flags["piece-kib"] === undefined ? null : pieceKib(flags["piece-kib"]),
    systems: systemsOf(flags),
    runs: whole(flags.runs ?? "1", "--runs", RUNS_MAX),
    jsonPath: flags.json ?? null,
    slow: flags.slow === undefined ? null : slowOf(flags.slow),
    fault: faultOf(flags),
    workDirectory: flags.work ?? null,
    logsDirectory: flags.logs ?? null,
    main: flags.main ?? null,
    policy: flags.policy === undefined ? null : policyOf(flags.policy),
  };
  checkTogether(options);
  return options;
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause));
  }
}

function ratesOf(flags: Flags): Pick<BenchOptions, "mbit" | "originMbit"> {
  const { mbit, "origin-mbit": originMbit, unshaped } = flags;
  if (unshaped === true) {
    if (mbit !== undefined || originMbit !== undefined) throw new UsageError("--unshaped goes without rates");
    return { mbit: null, originMbit: null };
  }
  const rate = rateOf(mbit, "--mbit");
  return { mbit: rate, originMbit: originMbit === undefined ? rate : rateOf(originMbit, "--origin-mbit") };
}

function systemsOf({ peers, only }: Flags): readonly SystemName[] {
  const asked = namesOf(only ?? `fleet,${peers ?? ""}`, only === undefined ? "--peers" : "--only");
  return only === undefined ? asked : asked.concat(namesOf(peers ?? "", "--peers"));
}

function namesOf(source: string, flag: string): readonly SystemName[] {
  const names = source.split(",").filter((name) => name !== "");
  return [...new Set(names)].map((name) => {
    const known = SYSTEM_NAMES.find((candidate) => candidate === name);
    if (known === undefined)
      throw new UsageError(`${flag} ${name}: expected some of ${SYSTEM_NAMES.join(", ")}`);
    return known;
  });
}

function slowOf(source: string): BenchOptions["slow"] {
  const [, share, factor] = /^([0-9.]+%)@([0-9.]+)$/.exec(source) ?? [];
  const parsed = { share: shareOf(share ?? "", `--slow ${source}`), factor: Number(factor) };
  if (parsed.factor > 0 && parsed.factor < 1) return parsed;
  throw new UsageError(`--slow ${source}: expected a share and a factor, such as 25%@0.25`);
}

function faultOf(flags: Flags): Fault | null {
  const { kill, "kill-origin": origin, "kill-coordinator": coordinator } = flags;
  const faults: Fault[] = [];
  if (kill !== undefined) {
    const [share = "", at = ""] = kill.split("@");
    faults.push({
      kind: "peers",
      share: shareOf(share, `--kill ${kill}`),
      at: shareOf(at, `--kill ${kill}`),
    });
  }
  if (origin !== undefined) {
    if (origin !== "full-copy") throw new UsageError(`--kill-origin ${origin}: expected full-copy`);
    faults.push({ kind: "origin" });
  }
  if (coordinator !== undefined)
    faults.push({ kind: "coordinator", at: shareOf(coordinator, `--kill-coordinator ${coordinator}`) });
  if (faults.length > 1) throw new UsageError("one kind of kill at a time");
  return faults[0] ?? null;
}

function policyOf(source: string): PolicyName {
  const name = POLICY_NAMES.find((known) => known === source);
  if (name === undefined)
    throw new UsageError(`--policy ${source}: expected one of ${POLICY_NAMES.join(", ")}`);
  return name;
}

function checkTogether({ systems, fault, slow, mbit, queueKib, main, policy }: BenchOptions): void {
  if (systems.length === 0) throw new UsageError("nothing to measure");
  if (fault !== null && systems.some((name) => name !== "fleet"))
    throw new UsageError("kills are measured on fleet alone");
  if (slow !== null && mbit === null) throw new UsageError("--slow needs --mbit");
  if (queueKib !== null && mbit === null) throw new UsageError("--queue-kib needs --mbit");
  if (policy !== null && main !== null)
    throw new UsageError("--policy changes the sources, so it goes without --main");
}

function whole(source: string | undefined, flag: string, max: number): number {
  if (source === undefined) throw new UsageError(`${flag} is missing`);
  const value = /^[0-9]{1,9}$/.test(source) ? Number(source) : 0;
  if (value < 1 || value > max)
    throw new UsageError(`${flag} ${source}: expected a whole number from 1 to ${max}`);
  return value;
}

function rateOf(source: string | undefined, flag: string): number {
  if (source === undefined) throw new UsageError(`${flag} is missing`);
  const value = /^[0-9]+(\.[0-9]+)?$/.test(source) ? Number(source) : 0;
  if (value < 0.1 || value > 100_000)
    throw new UsageError(`${flag} ${source}: expected Mbit/s from 0.1 to 100000`);
  return value;
}

function pieceKib(source: string): number {
  const value = whole(source, "--piece-kib", PIECE_KIB_MAX);
  if (value < PIECE_KIB_MIN || Math.log2(value) % 1 !== 0)
    throw new UsageError(
      `--piece-kib ${source}: expected a power of two from ${PIECE_KIB_MIN} to ${PIECE_KIB_MAX}`,
    );
  return value;
}

/** Of `25%`: 0.25. */
function shareOf(source: string, flag: string): number {
  const percent = /^[0-9]+(\.[0-9]+)?%$/.test(source) ? Number(source.slice(0, -1)) : 0;
  if (percent > 0 && percent < 100) return percent / 100;
  throw new UsageError(`${flag}: expected shares between 0% and 100%`);
}

/** This share of `count` nodes, at least one, spread evenly over their indices. */
export function spread(count: number, share: number): ReadonlySet<number> {
  const chosen = Math.max(1, Math.round(count * share));
  return new Set(
    Array.from({ length: chosen }, (_, index) => Math.floor(((index + 1) * count) / chosen) - 1),
  );
}
