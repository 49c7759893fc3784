// Who exchanges pieces with whom in a fleet of several zones: each zone has a graph of its own, and a few of its
// members, its gateways, have links into other zones, each with a share of the pieces that it is asked for first.
// Pure: the same members, of which the same are there, and the same seed give the same links, whatever came before.
// A fleet of one zone gets exactly the graph of graph.ts.
import type { FarShare } from "../../protocol/messages.ts";
import { buildGraph, FULL_MESH_MEMBERS_MAX, linksToOrigin, mix, originShare } from "./graph.ts";
import { GATEWAYS_MAX, linksBetween, originShareOf, type Routes, shareOf, type Zone } from "./zone-routes.ts";

/** A zone with fewer members that are there is fed, but feeds no others: it would be the neck of a whole fleet. */
export const FEEDING_MEMBERS_MIN = 4;
/** Zones that pieces come into first: as many as all know each other. */
export const ENTRIES_MAX = FULL_MESH_MEMBERS_MAX;

export interface GraphMember {
  /** Null: of the zone of all who name none. */
  readonly zone: string | null;
  /** Whether it can be reached now: a gateway must be. */
  readonly present: boolean;
}

export interface FarLink {
  /** The rank at the other end. */
  readonly rank: number;
  /** What this end asks of it first; null when nobody else of this zone is there to share with. */
  readonly far: FarShare | null;
}

export interface OriginLink {
  /** Its place among those linked to the origin, and how many they are. */
  readonly place: number;
  readonly count: number;
  /** Null when the origin is in the same zone, or nobody else is there to share with. */
  readonly far: FarShare | null;
}

export interface ZoneGraphOptions {
  /** By rank. */
  readonly members: readonly GraphMember[];
  /** Where the origin is; null as for members. */
  readonly originZone: string | null;
  readonly seed: number;
  /** Without it as many as ship. */
  readonly ringCount?: number | undefined;
}

/** The members stay the same, only who of them is there changes. */
export class ZoneGraph {
  readonly #options: ZoneGraphOptions;
  readonly #present: boolean[];
  readonly #zones: readonly Zone[];
  readonly #zoneOf: ReadonlyMap<string | null, Zone>;
  readonly #near = new Map<number, ReadonlySet<number>>();
  #routes: Routes;

  constructor(options: ZoneGraphOptions) {
    this.#options = options;
    this.#present = options.members.map(({ present }) => present);
    this.#zones = zonesOf(options.members);
    this.#zoneOf = new Map(this.#zones.map((zone) => [zone.name, zone]));
    this.#layNear();
    if (this.#zones.length > 1) this.#linkZones();
    for (const zone of this.#zones) this.#chooseGateways(zone);
    this.#routes = this.#findRoutes();
  }

  /** Neighbours in its own zone. */
  near(rank: number): ReadonlySet<number> {
    return this.#near.get(rank) ?? NOBODY;
  }

  /** Neighbours in other zones. */
  far(rank: number): readonly FarLink[] {
    const zone = this.#zoneOfRank(rank);
    if (!zone.gateways.includes(rank)) return [];
    return zone.neighbours.flatMap((other) =>
      linksBetween(zone, other)
        .filter(({ ends }) => ends[0] === rank)
        .map(({ ends, parts }) => ({ rank: ends[1], far: shareOf(zone, other, { parts, ...this.#routes }) })),
    );
  }

  /** Null when it is not linked to the origin. */
  origin(rank: number): OriginLink | null {
    const count = this.#present.length;
    if (this.#zones.length === 1)
      return linksToOrigin(rank, count) ? { ...originShare(rank, count), far: null } : null;
    const zone = this.#zoneOfRank(rank);
    const place = zone.gateways.indexOf(rank);
    return place === -1 ? null : originShareOf(zone, place, this.#routes);
  }

  /** Members with links into other zones. */
  gateways(): readonly number[] {
    return gatewaysOf(this.#zones);
  }

  /** A member came or went. Ranks that may have other links now. */
  setPresent(rank: number, present: boolean): readonly number[] {
    const zone = this.#zoneOfRank(rank);
    if (this.#present[rank] === present) return [];
    this.#present[rank] = present;
    zone.presentCount += present ? 1 : -1;
    if (this.#zones.length === 1) return [];
    const before = gatewaysOf([zone]);
    if (present ? this.#outdoes(rank, zone) : before.includes(rank)) this.#chooseGateways(zone);
    const routes = this.#findRoutes();
    const isOther = !sameRoutes(routes, this.#routes);
    this.#routes = routes;
    const touched = isOther ? this.#zones : [zone, ...zone.neighbours];
    const isQuiet = !isOther && zone.presentCount > 2 && sameList(before, zone.gateways);
    return isQuiet ? [] : [...new Set([...before, ...gatewaysOf(touched)])];
  }

  #zoneOfRank(rank: number): Zone {
    const zone = this.#zoneOf.get(this.#options.members[rank]?.zone ?? null);
    if (zone === undefined) throw new RangeError(`no member has rank ${rank}`);
    return zone;
  }

  #layNear(): void {
    const { seed, ringCount } = this.#options;
    for (const [index, { ranks }] of this.#zones.entries()) {
      const rankAt = (place: number): number => ranks[place] ?? 0;
      for (const [place, links] of buildGraph(ranks.length, seed + index, ringCount))
        this.#near.set(rankAt(place), new Set([...links].map(rankAt)));
    }
  }

  #linkZones(): void {
    for (const [index, links] of buildGraph(this.#zones.length, this.#options.seed))
      this.#zones[index]?.neighbours.push(...this.#zones.filter((_, other) => links.has(other)));
  }

  /** For each part whoever of the others scores highest for it: who comes or goes moves few of them. */
  #chooseGateways(zone: Zone): void {
    const chosen: number[] = [];
    const partCount = this.#zones.length === 1 ? 0 : Math.min(GATEWAYS_MAX, zone.presentCount);
    for (let part = 0; part < partCount; part += 1) {
      let [best, bestScore] = [-1, -1];
      for (const rank of zone.ranks) {
        if (this.#present[rank] !== true || chosen.includes(rank)) continue;
        const score = this.#score(part, rank);
        if (score > bestScore) [best, bestScore] = [rank, score];
      }
      chosen.push(best);
    }
    zone.gateways = chosen;
  }

  #outdoes(rank: number, { gateways }: Zone): boolean {
    if (gateways.length < GATEWAYS_MAX) return true;
    return gateways.some((gateway, part) => this.#score(part, rank) > this.#score(part, gateway));
  }

  #score(part: number, rank: number): number {
    return mix(this.#options.seed + part, rank);
  }

  #findRoutes(): Routes {
    const others = this.#zones.filter(({ presentCount }) => presentCount > 0);
    const home = this.#findHome();
    const reached = home === null ? others : home.neighbours.filter(({ presentCount }) => presentCount > 0);
    const feeding = reached.filter(({ presentCount }) => presentCount >= FEEDING_MEMBERS_MIN);
    const entries = (feeding.length > 0 ? feeding : reached).slice(0, ENTRIES_MAX);
    return { home, entries, isMesh: this.#zones.length <= FULL_MESH_MEMBERS_MAX };
  }

  /** The zone of the origin, if it has the members to pass everything on, and somebody to pass it on to. */
  #findHome(): Zone | null {
    const home = this.#zoneOf.get(this.#options.originZone);
    if (home === undefined || home.presentCount < FEEDING_MEMBERS_MIN) return null;
    const isAlone = this.#zones.every((zone) => zone === home || zone.presentCount === 0);
    return isAlone || home.neighbours.some(({ presentCount }) => presentCount > 0) ? home : null;
  }
}

/** In the order in which their first members came. */
function zonesOf(members: readonly GraphMember[]): readonly Zone[] {
  const ranksOf = new Map<string | null, number[]>();
  for (const [rank, { zone }] of members.entries()) {
    const ranks = ranksOf.get(zone);
    if (ranks === undefined) ranksOf.set(zone, [rank]);
    else ranks.push(rank);
  }
  return [...ranksOf].map(([name, ranks]) => {
    const presentCount = ranks.filter((rank) => members[rank]?.present === true).length;
    return { name, ranks, presentCount, neighbours: [], gateways: [] };
  });
}

function gatewaysOf(zones: readonly Zone[]): readonly number[] {
  return zones.flatMap(({ gateways }) => gateways);
}

function sameRoutes(a: Routes, b: Routes): boolean {
  return a.home === b.home && sameList(a.entries, b.entries);
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

const NOBODY: ReadonlySet<number> = new Set();
