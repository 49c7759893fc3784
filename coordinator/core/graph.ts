// Who exchanges pieces with whom: a random regular graph over ranks that changes little when a member joins.
// Pure: the same ranks and seed give the same edges.

/** Everyone with everyone up to this many members: a full mesh costs nothing and has no bad luck. */
export const FULL_MESH_MEMBERS_MAX = 12;
/**
 * Rings laid over larger fleets; each gives a member two neighbours, so the degree is 8. With more, requests wait
 * longer at each hop; with fewer, members drift apart (docs/decisions/0014).
 */
export const RING_COUNT = 4;
/** Members linked to the origin in larger fleets: enough to spread first copies, few enough for its sockets. */
export const ORIGIN_LINKS_MAX = 16;

/**
 * Neighbours of each rank 0..memberCount-1. Above the full mesh, the union of random Hamiltonian cycles: connected by
 * construction, and a new rank is put into one random place of each ring, so it moves at most two links per ring.
 */
export function buildGraph(
  memberCount: number,
  seed: number,
  ringCount: number = RING_COUNT,
): ReadonlyMap<number, ReadonlySet<number>> {
  const links = new Map<number, Set<number>>();
  for (let rank = 0; rank < memberCount; rank += 1) links.set(rank, new Set());
  if (memberCount <= FULL_MESH_MEMBERS_MAX) {
    for (let a = 0; a < memberCount; a += 1)
      for (let b = a + 1; b < memberCount; b += 1) connect(links, a, b);
    return links;
  }
  for (const { next } of layRings(memberCount, seed, ringCount))
    for (let rank = 0; rank < memberCount; rank += 1) connect(links, rank, next[rank] ?? rank);
  return links;
}

/** Exactly one side of a pair dials; parity spreads the dialling evenly over all. */
export function dialsByParity(rank: number, other: number): boolean {
  return (rank + other) % 2 === 0 ? rank < other : rank > other;
}

/** Whether this rank is linked to the origin directly: all in small fleets, evenly spread ones in large. */
export function linksToOrigin(rank: number, memberCount: number): boolean {
  return rank % originStride(memberCount) === 0;
}

/** Place among those linked to the origin, and how many they are: each asks it for its own part of the pieces first. */
export function originShare(rank: number, memberCount: number): { place: number; count: number } {
  const stride = originStride(memberCount);
  return { place: Math.floor(rank / stride), count: Math.ceil(memberCount / stride) };
}

function originStride(memberCount: number): number {
  return Math.ceil(memberCount / ORIGIN_LINKS_MAX);
}

interface Ring {
  /** The rank after and before each rank. */
  readonly next: Int32Array;
  readonly previous: Int32Array;
}

/**
 * Rank by rank, each put somewhere into every ring. Where it goes must give it two neighbours that it has not got from
 * another ring, or its degree would be lower than that of others, and the member with the fewest links is the last to
 * have everything.
 */
function layRings(memberCount: number, seed: number, ringCount: number): readonly Ring[] {
  const rings = Array.from({ length: ringCount }, () => ({
    next: new Int32Array(memberCount),
    previous: new Int32Array(memberCount),
  }));
  for (let rank = 1; rank < memberCount; rank += 1) {
    const taken = new Set<number>();
    for (const [index, ring] of rings.entries()) {
      const first = mix(seed + index, rank) % rank;
      const after = choosePlace(rings, ring, { rank, first, taken });
      const before = ring.next[after] ?? 0;
      insert(ring, rank, after);
      taken.add(after).add(before);
    }
  }
  return rings;
}

interface Seat {
  readonly rank: number;
  /** The place chance has chosen. */
  readonly first: number;
  /** Neighbours that this rank has in other rings. */
  readonly taken: ReadonlySet<number>;
}

/** Small rings have few places to choose from, and links that run twice; parting those mends what they cost. */
const MENDED_RANKS_MAX = 64;
const TRIES_MAX = 32;

function choosePlace(rings: readonly Ring[], ring: Ring, { rank, first, taken }: Seat): number {
  const isFree = (place: number): boolean => !taken.has(place) && !taken.has(ring.next[place] ?? 0);
  const places = rank <= MENDED_RANKS_MAX ? rank : TRIES_MAX;
  let free: number | null = null;
  for (let step = 0; step < places; step += 1) {
    const place = (first + step) % rank;
    if (!isFree(place)) continue;
    free ??= place;
    if (rank > MENDED_RANKS_MAX || runsTwice(rings, ring, place)) return place;
  }
  return free ?? first;
}

/** Whether the link after this place is in another ring as well. */
function runsTwice(rings: readonly Ring[], ring: Ring, place: number): boolean {
  const other = ring.next[place];
  return rings.some((one) => one !== ring && (one.next[place] === other || one.previous[place] === other));
}

function insert(ring: Ring, rank: number, after: number): void {
  const before = ring.next[after] ?? 0;
  ring.next[after] = rank;
  ring.previous[rank] = after;
  ring.next[rank] = before;
  ring.previous[before] = rank;
}

function connect(links: Map<number, Set<number>>, a: number, b: number): void {
  if (a === b) return;
  links.get(a)?.add(b);
  links.get(b)?.add(a);
}

/** 32-bit finaliser of MurmurHash3: spreads (seed, rank) evenly over the places of a ring. */
export function mix(seed: number, rank: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(rank + 1, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
