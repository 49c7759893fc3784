// A scenario in words, for the head of a table and of a report. Pure.
import type { Fact } from "../../sim/core/report-data.ts";
import {
  type Faults,
  type Group,
  type Policy,
  type Scenario,
  SHIPPED_POLICY,
} from "../../sim/core/scenario.ts";
import { formatBitRate } from "../config/bit-rate.ts";
import { formatByteSize } from "../config/byte-size.ts";
import { count } from "../format/units.ts";

export function scenarioFacts(scenario: Scenario, seeds: readonly number[]): readonly Fact[] {
  const { artifactBytes, pieces, origin, groups, zones } = scenario;
  const facts: (Fact | null)[] = [
    {
      label: "artifact",
      value: `${formatByteSize(artifactBytes)} in ${count(pieces, "piece")}${blocksText(scenario)}`,
    },
    { label: "origin", value: `${formatBitRate(origin.upBytesPerSecond)}${inZone(scenario, origin.zone)}` },
    ...(zones.length > 1 && isUniform(groups) ? [uniformFact(groups)] : groups.map(groupFact(scenario))),
    zones.length < 2 ? null : { label: "zones", value: zonesText(scenario) },
    { label: "round trip", value: roundTrips(scenario) },
    messageWaitFact(scenario),
    faultsFact(scenario.faults),
    policyFact(scenario.policy),
    { label: seeds.length === 1 ? "seed" : "seeds", value: seeds.join(", ") },
  ];
  return facts.filter((fact) => fact !== null);
}

function blocksText({ blocksPerPiece = 1 }: Scenario): string {
  return blocksPerPiece === 1 ? "" : ` of ${count(blocksPerPiece, "block")}`;
}

function groupFact(scenario: Scenario): (group: Group) => Fact {
  const { groups } = scenario;
  return (group) => ({
    label: groups.length === 1 ? "nodes" : group.name,
    value:
      (groups.length === 1 ? "" : `${percent(group.share)} of the nodes, `) +
      ratesText(group) +
      inZone(scenario, group.zone),
  });
}

function uniformFact(groups: readonly Group[]): Fact {
  return { label: "nodes", value: groups.slice(0, 1).map(ratesText).join("") };
}

function isUniform(groups: readonly Group[]): boolean {
  const [first] = groups;
  return groups.every(
    ({ upBytesPerSecond, downBytesPerSecond }) =>
      upBytesPerSecond === first?.upBytesPerSecond && downBytesPerSecond === first.downBytesPerSecond,
  );
}

function ratesText({ upBytesPerSecond, downBytesPerSecond }: Group): string {
  const up = formatBitRate(upBytesPerSecond);
  return upBytesPerSecond === downBytesPerSecond
    ? `${up} up and down`
    : `${up} up, ${formatBitRate(downBytesPerSecond)} down`;
}

function inZone({ zones }: Scenario, zone: number): string {
  const name = zones[zone]?.name;
  return zones.length < 2 || name === undefined ? "" : `, in ${name}`;
}

function zonesText({ zones }: Scenario): string {
  const links = new Set(zones.map(({ bytesPerSecond }) => bytesPerSecond));
  const shown = (rate: number | null): string => (rate === null ? "no limit" : formatBitRate(rate));
  const [only] = links;
  if (links.size === 1 && only !== undefined) return `${zones.length}, links of ${shown(only)}`;
  return zones.map(({ name, bytesPerSecond }) => `${name} ${shown(bytesPerSecond)}`).join(", ");
}

function roundTrips({ zones, rttMs, zoneRttMs }: Scenario): string {
  return zones.length < 2
    ? millis(rttMs)
    : `${millis(rttMs)} within a zone, ${millis(zoneRttMs)} between zones`;
}

function messageWaitFact({ messageWaitMs = 0 }: Scenario): Fact | null {
  return messageWaitMs === 0 ? null : { label: "messages", value: `wait ${millis(messageWaitMs)} each way` };
}

function faultsFact(faults: Faults): Fact | null {
  const { leaveShare, vanishShare = 0, slowShare, slowFactor } = faults;
  const { lateShare, lateByMs, flapShare, flapEveryMs, flapForMs } = faults;
  const parts = [
    leaveShare > 0 ? `${percent(leaveShare)} leave for good` : null,
    vanishShare > 0 ? `${percent(vanishShare)} vanish without a word` : null,
    slowShare > 0 ? `${percent(slowShare)} at ${slowFactor} of their rates` : null,
    lateShare > 0 ? `${percent(lateShare)} up to ${millis(lateByMs)} late` : null,
    flapShare > 0
      ? `${percent(flapShare)} without links every ${millis(flapEveryMs)} for ${millis(flapForMs)}`
      : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : { label: "faults", value: parts.join(", ") };
}

/** Only what differs from what ships. */
function policyFact({ injection, rings, trees, picking, endgame }: Policy): Fact | null {
  const parts = [
    injection === SHIPPED_POLICY.injection ? null : "the origin repeats pieces freely",
    rings === SHIPPED_POLICY.rings ? null : `graph of ${count(rings ?? 0, "ring")}`,
    trees === SHIPPED_POLICY.trees ? null : "no trees",
    picking === SHIPPED_POLICY.picking ? null : "pieces in order",
    endgame === SHIPPED_POLICY.endgame ? null : "no endgame",
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : { label: "policy", value: `not as it ships: ${parts.join(", ")}` };
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))}%`;
}

function millis(value: number): string {
  return value < 1000 ? `${Number(value.toFixed(3))} ms` : `${Number((value / 1000).toFixed(3))} s`;
}
