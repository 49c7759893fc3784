// Reads a scenario file, and says of every mistake in it where it is and what would be right.
import path from "node:path";
import { FleetError } from "../../protocol/errors.ts";
import { DecodeError, type Schema } from "../../protocol/schema.ts";
import { type Ceiling, METRIC_NAMES, type MetricName, needsClean } from "../../sim/core/expectations.ts";
import { type Group, type Scenario, SHIPPED_POLICY, type Zone } from "../../sim/core/scenario.ts";
import { decodeYaml, readYamlFile } from "../config/yaml-file.ts";
import { CONTROL, faultsFrom, PIECE_COST, SCENARIO_DEFAULTS } from "./defaults.ts";
import { findScenarioFault } from "./scenario-check.ts";
import { type ExpectationSection, type ScenarioSection, scenarioSection } from "./scenario-schema.ts";

export interface ScenarioPlan {
  readonly scenario: Scenario;
  readonly ceilings: readonly Ceiling[];
}

/** FleetError file-missing when it cannot be read, config-invalid when it is wrong. */
export function readScenarioFile(file: string): ScenarioPlan {
  const plan = told(() => readYamlFile(file, planSchema(nameFrom(file))));
  if (plan === null) throw new FleetError("file-missing", `there is no scenario file ${file}`);
  return plan;
}

/** `file` is how it is called in errors, and what the scenario is called unless it says otherwise. */
export function decodeScenario(source: string, file: string): ScenarioPlan {
  return told(() => decodeYaml(source, file, planSchema(nameFrom(file))));
}

function told<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof FleetError) || cause.code !== "config-invalid") throw cause;
    const next = "docs/SIMULATION.md says what a scenario file may hold.";
    throw new FleetError("config-invalid", cause.message, { cause, next });
  }
}

function nameFrom(file: string): string {
  return path.basename(file).replace(/\.ya?ml$/, "");
}

function planSchema(name: string): Schema<ScenarioPlan> {
  return {
    decode(value, at) {
      const source = scenarioSection.decode(value, at);
      const scenario = scenarioFrom(source, source.name ?? name);
      const fault = findScenarioFault(scenario);
      if (fault !== null) throw new DecodeError(fault.key, `something else than ${fault.message}`);
      return { scenario, ceilings: ceilingsFrom(source, scenario) };
    },
    json: scenarioSection.json,
  };
}

function scenarioFrom(source: ScenarioSection, name: string): Scenario {
  const zones = zonesFrom(source);
  const { injection, rings, trees, picking, endgame } = source.policy ?? {};
  return {
    name,
    artifactBytes: source.size,
    pieces: source.pieces ?? SCENARIO_DEFAULTS.pieces,
    blocksPerPiece: source.blocks ?? SCENARIO_DEFAULTS.blocksPerPiece,
    sizes: source.nodes,
    origin: {
      upBytesPerSecond: source.origin.up,
      zone: zoneIndex(zones, source.origin.zone, "origin.zone"),
    },
    groups: groupsFrom(source, zones),
    zones,
    rttMs: source.rtt ?? SCENARIO_DEFAULTS.rttMs,
    zoneRttMs: source.zoneRtt ?? SCENARIO_DEFAULTS.zoneRttMs,
    messageWaitMs: source.messageWait ?? SCENARIO_DEFAULTS.messageWaitMs,
    startJitterMs: source.startJitter ?? SCENARIO_DEFAULTS.startJitterMs,
    pieceCost: {
      fixedMs: source.pieceCost?.fixed ?? PIECE_COST.fixedMs,
      bytesPerSecond: source.pieceCost?.rate ?? PIECE_COST.bytesPerSecond,
    },
    control: {
      delayMs: source.control?.delay ?? CONTROL.delayMs,
      serviceMs: source.control?.service ?? CONTROL.serviceMs,
    },
    faults: faultsFrom(source),
    policy: {
      injection: injection ?? SHIPPED_POLICY.injection,
      rings: rings ?? SHIPPED_POLICY.rings,
      trees: trees ?? SHIPPED_POLICY.trees,
      picking: picking ?? SHIPPED_POLICY.picking,
      endgame: endgame ?? SHIPPED_POLICY.endgame,
    },
  };
}

function zonesFrom({ zones }: ScenarioSection): readonly Zone[] {
  if (zones === null) return [{ name: "all", bytesPerSecond: null }];
  const names = zones.map(({ name }) => name);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice !== -1) throw new DecodeError(`zones[${twice}].name`, "a name that no other zone has");
  return zones.map(({ name, link }) => ({ name, bytesPerSecond: link }));
}

function groupsFrom({ groups }: ScenarioSection, zones: readonly Zone[]): readonly Group[] {
  const shared = groups.filter(({ share }) => share !== null).length;
  const missing = groups.findIndex(({ share }) => share === null);
  if (shared > 0 && missing !== -1)
    throw new DecodeError(`groups[${missing}]`, "a share, as other groups have one");
  return groups.map((group, index) => ({
    name: group.name ?? `group ${index + 1}`,
    share: group.share ?? 1 / groups.length,
    upBytesPerSecond: group.up,
    downBytesPerSecond: group.down ?? group.up,
    zone: zoneIndex(zones, group.zone, `groups[${index}].zone`),
  }));
}

function zoneIndex(zones: readonly Zone[], name: string | null, at: string): number {
  if (name === null) return 0;
  const index = zones.findIndex((zone) => zone.name === name);
  if (index === -1) throw new DecodeError(at, `a zone, one of ${zones.map((zone) => zone.name).join(", ")}`);
  return index;
}

function ceilingsFrom({ expect, sizes }: ScenarioSection, scenario: Scenario): readonly Ceiling[] {
  const ceilings = expect === null ? [] : ceilingsIn(expect, null);
  for (const [nodes, section] of sizes ?? []) {
    if (!scenario.sizes.includes(nodes))
      throw new DecodeError(`sizes.${nodes}`, `a fleet size that is simulated: ${scenario.sizes.join(", ")}`);
    ceilings.push(...ceilingsIn(section, nodes));
  }
  const { leaveShare, vanishShare = 0, slowShare, flapShare, lateShare } = scenario.faults;
  if (needsClean(ceilings) && leaveShare + vanishShare + slowShare + flapShare + lateShare === 0)
    throw new DecodeError("expect", "no comparison with a run without faults: there are no faults");
  return ceilings;
}

function ceilingsIn(section: ExpectationSection, nodes: number | null): Ceiling[] {
  return METRIC_NAMES.flatMap((metric: MetricName) => {
    const limit = section[metric];
    return limit === null ? [] : [{ metric, ...limit, nodes }];
  });
}
