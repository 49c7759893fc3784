// A simulated fleet from flags: every flag is read here, and every mistake names its flag and what would be right.
import type { Command } from "commander";
import { FleetError } from "../../protocol/errors.ts";
import { type Group, type Scenario, SHIPPED_POLICY, type Zone } from "../../sim/core/scenario.ts";
import type { GlobalFlags } from "../command.ts";
import { CONTROL, faultsFrom, PIECE_COST, SCENARIO_DEFAULTS } from "./defaults.ts";
import {
  BIT_RATE,
  BLOCK_COUNT,
  BYTE_SIZE,
  FLAP,
  LATE,
  LATENCY,
  listQuantity,
  NODE_COUNT,
  PIECE_COUNT,
  parseFlag,
  type Quantity,
  SEED,
  SEED_COUNT,
  SHARE,
  SLOW,
  ZONE_COUNT,
} from "./quantities.ts";
import { findScenarioFault } from "./scenario-check.ts";
import { readScenarioFile, type ScenarioPlan } from "./scenario-file.ts";

/** What describes the fleet; none of these goes with a scenario file. */
interface FleetFlags {
  readonly size?: string;
  readonly pieces?: string;
  readonly blocks?: string;
  readonly up?: string;
  readonly down?: string;
  readonly origin?: string;
  readonly zones?: string;
  readonly zoneLink?: string;
  readonly rtt?: string;
  readonly zoneRtt?: string;
  readonly churn?: string;
  readonly vanish?: string;
  readonly slow?: string;
  readonly late?: string;
  readonly flap?: string;
}

export interface ScenarioFlags extends GlobalFlags, FleetFlags {
  readonly scenario?: string;
  readonly nodes?: string;
}

export interface SeedFlags {
  readonly seed?: string;
  readonly seeds?: string;
}

const NODE_COUNTS = listQuantity(NODE_COUNT, "10,100,1000");
const FLEET_FLAGS: readonly (keyof FleetFlags)[] = [
  "size",
  "pieces",
  "blocks",
  "up",
  "down",
  "origin",
  "zones",
  "zoneLink",
  "rtt",
  "zoneRtt",
  "churn",
  "vanish",
  "slow",
  "late",
  "flap",
];

/** `nodesHelp` says how many fleet sizes the command takes, and its default. */
export function withFleet(command: Command, nodesHelp: string): Command {
  return command
    .option("--scenario <file>", "describe fleet and expectations in a file instead of by flags")
    .option("--nodes <n>", nodesHelp)
    .option("--size <size>", "the artifact (default: 1GiB)")
    .option("--pieces <n>", "pieces it is cut into (default: 512)")
    .option("--blocks <n>", "blocks that a piece travels in (default: 1, which is fastest)")
    .option("--up <rate>", "what each node can send (default: 1Gbit)")
    .option("--down <rate>", "what each node can receive (default: as --up)")
    .option("--origin <rate>", "what the coordinator can send (default: as --up)")
    .option("--zones <n>", "sites with as many nodes each (default: 1)")
    .option("--zone-link <rate>", "what a site's link carries each way (default: no limit)")
    .option("--rtt <time>", "round trip within a site (default: 1ms)")
    .option("--zone-rtt <time>", "round trip between sites (default: 20ms)")
    .option("--churn <share>", "nodes that leave for good on the way, such as 5%")
    .option("--vanish <share>", "nodes that do so without a word, as without power")
    .option("--slow <share@part>", "nodes at a part of their rates, such as 5%@0.1")
    .option("--late <share@time>", "nodes that start up to that much later, such as 10%@30s")
    .option("--flap <share@every/for>", "nodes that lose their links again and again, such as 2%@30s/5s");
}

/** FleetError usage, file-missing or config-invalid. `resolve` finds the file that `--scenario` names. */
export function planFromFlags(
  flags: ScenarioFlags,
  options: { readonly resolve: (file: string) => string; readonly sizes?: readonly number[] },
): ScenarioPlan {
  const { scenario, nodes } = flags;
  const sizes = nodes === undefined ? null : parseFlag("--nodes", nodes, NODE_COUNTS);
  if (scenario === undefined)
    return {
      scenario: scenarioFromFlags(flags, sizes ?? options.sizes ?? SCENARIO_DEFAULTS.sizes),
      ceilings: [],
    };
  const extra = FLEET_FLAGS.find((name) => flags[name] !== undefined);
  if (extra !== undefined)
    throw new FleetError("usage", `--scenario goes without ${flagName(extra)}`, {
      next: "Write it into the scenario file, or leave the file away.",
    });
  const plan = readScenarioFile(options.resolve(scenario));
  return sizes === null ? plan : withSizes(plan, sizes);
}

/** Seeds in a row, ascending. */
export function seedsFromFlags({ seed, seeds }: SeedFlags): readonly number[] {
  const first = seed === undefined ? SCENARIO_DEFAULTS.seed : parseFlag("--seed", seed, SEED);
  const count = seeds === undefined ? SCENARIO_DEFAULTS.seedCount : parseFlag("--seeds", seeds, SEED_COUNT);
  return Array.from({ length: count }, (_, index) => first + index);
}

/** `--zone-link` for zoneLink. */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function withSizes({ scenario, ceilings }: ScenarioPlan, sizes: readonly number[]): ScenarioPlan {
  const resized = checked({ ...scenario, sizes });
  return {
    scenario: resized,
    ceilings: ceilings.filter(({ nodes }) => nodes === null || sizes.includes(nodes)),
  };
}

function scenarioFromFlags(flags: ScenarioFlags, sizes: readonly number[]): Scenario {
  const read = <T>(name: keyof FleetFlags, quantity: Quantity<T>): T | null => {
    const source = flags[name];
    return source === undefined ? null : parseFlag(flagName(name), source, quantity);
  };
  const up = read("up", BIT_RATE) ?? SCENARIO_DEFAULTS.bytesPerSecond;
  const zones = zonesOf(read("zones", ZONE_COUNT) ?? 1, read("zoneLink", BIT_RATE));
  return checked({
    name: "fleet",
    artifactBytes: read("size", BYTE_SIZE) ?? SCENARIO_DEFAULTS.artifactBytes,
    pieces: read("pieces", PIECE_COUNT) ?? SCENARIO_DEFAULTS.pieces,
    blocksPerPiece: read("blocks", BLOCK_COUNT) ?? SCENARIO_DEFAULTS.blocksPerPiece,
    sizes,
    origin: { upBytesPerSecond: read("origin", BIT_RATE) ?? up, zone: 0 },
    groups: groupsOf(zones, up, read("down", BIT_RATE) ?? up),
    zones,
    rttMs: read("rtt", LATENCY) ?? SCENARIO_DEFAULTS.rttMs,
    zoneRttMs: read("zoneRtt", LATENCY) ?? SCENARIO_DEFAULTS.zoneRttMs,
    messageWaitMs: SCENARIO_DEFAULTS.messageWaitMs,
    startJitterMs: SCENARIO_DEFAULTS.startJitterMs,
    pieceCost: PIECE_COST,
    control: CONTROL,
    faults: faultsFrom({
      churn: read("churn", SHARE),
      vanish: read("vanish", SHARE),
      slow: read("slow", SLOW),
      late: read("late", LATE),
      flap: read("flap", FLAP),
    }),
    policy: SHIPPED_POLICY,
  });
}

function zonesOf(count: number, linkBytesPerSecond: number | null): readonly Zone[] {
  if (count === 1 && linkBytesPerSecond !== null)
    throw new FleetError("usage", "--zone-link needs --zones: one site has no link to others");
  return Array.from({ length: count }, (_, index) => ({
    name: count === 1 ? "all" : `zone ${index + 1}`,
    bytesPerSecond: linkBytesPerSecond,
  }));
}

function groupsOf(zones: readonly Zone[], up: number, down: number): readonly Group[] {
  return zones.map(({ name }, zone) => ({
    name,
    share: 1 / zones.length,
    upBytesPerSecond: up,
    downBytesPerSecond: down,
    zone,
  }));
}

function checked(scenario: Scenario): Scenario {
  const fault = findScenarioFault(scenario);
  if (fault !== null) throw new FleetError("usage", `--${fault.key}: ${fault.message}`);
  return scenario;
}
