// Which way pieces take between zones: from the origin's zone into one other, and from there into the rest, so that
// each enters every zone once and no link out of a zone carries much more than a copy. Plain arithmetic on zones whose
// gateways are known; never chooses any.
import { assert } from "../../protocol/machine.ts";
import type { FarShare } from "../../protocol/messages.ts";

/**
 * Gateways of a zone, and links between two zones: each brings an eighth of the artifact into its zone, beside what it
 * exchanges there. With four a zone waits for them; more would only tell each other more over thin links.
 */
export const GATEWAYS_MAX = 8;

export interface Zone {
  readonly name: string | null;
  /** Of its members, ascending. */
  readonly ranks: readonly number[];
  presentCount: number;
  /** Zones it is linked to. */
  readonly neighbours: Zone[];
  /** By part of the pieces: who brings it in. */
  gateways: readonly number[];
}

export interface Routes {
  /** The zone of the origin; null when the origin feeds the entries itself. */
  readonly home: Zone | null;
  /** Zones that pieces come into first. */
  readonly entries: readonly Zone[];
  /** Every zone is linked to every other. */
  readonly isMesh: boolean;
}

export interface ZoneLink {
  readonly ends: readonly [number, number];
  readonly parts: readonly number[];
}

/**
 * A link for each part, from gateway to gateway of the same part, so that a part goes from zone to zone without
 * crossing one. A zone with few members has few links, with several parts each.
 */
export function linksBetween({ gateways: a }: Zone, { gateways: b }: Zone): readonly ZoneLink[] {
  const places = Math.min(GATEWAYS_MAX, 2 * Math.min(a.length, b.length));
  const links: { readonly ends: readonly [number, number]; readonly parts: number[] }[] = [];
  for (let part = 0; places > 0 && part < GATEWAYS_MAX; part += 1) {
    const [from, to] = [gatewayAt(a, part % places), gatewayAt(b, part % places)];
    const same = links.find(({ ends }) => ends[0] === from && ends[1] === to);
    if (same === undefined) links.push({ ends: [from, to], parts: [part] });
    else same.parts.push(part);
  }
  return links;
}

function gatewayAt(gateways: readonly number[], place: number): number {
  const gateway = gateways[place % gateways.length];
  assert(gateway !== undefined, "a zone with gateways has one for every part");
  return gateway;
}

/**
 * What gateways of a zone ask of those of another first; null when nobody else of their zone is there to share with.
 * Piece i is of part i mod GATEWAYS_MAX, and (i div GATEWAYS_MAX) mod entries says which entry it comes into first.
 */
export function shareOf(
  zone: Zone,
  other: Zone,
  { parts, home, entries, isMesh }: Routes & { readonly parts: readonly number[] },
): FarShare | null {
  if (zone.presentCount < 2) return null;
  // The origin brings everything there is into its own zone.
  if (zone === home) return { parts: [], of: 1 };
  return dealt(parts, entries, (entry) => {
    if (other === home) return entry === zone;
    return isMesh ? entry === other : entry !== zone;
  });
}

/** What the gateway at this place asks of the origin first; null when it is not linked to it. */
export function originShareOf(
  zone: Zone,
  place: number,
  { home, entries }: Routes,
): { readonly place: number; readonly count: number; readonly far: FarShare | null } | null {
  const { gateways } = zone;
  if (home !== null) return zone === home ? { place, count: gateways.length, far: null } : null;
  const index = entries.indexOf(zone);
  if (index === -1) return null;
  if (zone.presentCount < 2) return { place: index, count: entries.length, far: null };
  const parts = PARTS.filter((part) => part % gateways.length === place);
  const far = dealt(parts, entries, (entry) => entry === zone);
  return { place: index * GATEWAYS_MAX + place, count: far.of, far };
}

function dealt(
  parts: readonly number[],
  entries: readonly Zone[],
  asksFor: (entry: Zone) => boolean,
): FarShare {
  const asked = [...entries.keys()].filter((index) => {
    const entry = entries[index];
    return entry !== undefined && asksFor(entry);
  });
  return {
    parts: asked.flatMap((index) => parts.map((part) => part + index * GATEWAYS_MAX)),
    of: GATEWAYS_MAX * entries.length,
  };
}

const PARTS: readonly number[] = Array.from({ length: GATEWAYS_MAX }, (_, part) => part);
