// Who exchanges pieces with whom: a random regular graph over ranks that changes little when a member joins.
// Pure: the same ranks and seed give the same edges.

/** Everyone with everyone up to this many members: a full mesh costs nothing and has no bad luck. */
export const FULL_MESH_MEMBERS_MAX = 12;
/**
 * Rings laid over larger fleets; each gives a member two neighbours, so the degree is about 10 (swarm theory: 8
 * to 12).
 */
export const RING_COUNT = 5;
/** Members linked to the origin in larger fleets: enough to spread first copies, few enough for its sockets. */
export const ORIGIN_LINKS_MAX = 16;

/**
 * Neighbours of each rank 0..memberCount-1. Above the full mesh, the union of random Hamiltonian cycles: connected by
 * construction, and a new rank is put into one random place of each ring, so it moves at most two links per ring.
 */
export function buildGraph(memberCount: number, seed: number): ReadonlyMap<number, ReadonlySet<number>> {
  const links = new Map<number, Set<number>>();
  for (let rank = 0; rank < memberCount; rank += 1) links.set(rank, new Set());
  if (memberCount <= FULL_MESH_MEMBERS_MAX) {
    for (let a = 0; a < memberCount; a += 1)
      for (let b = a + 1; b < memberCount; b += 1) connect(links, a, b);
    return links;
  }
  for (let ringIndex = 0; ringIndex < RING_COUNT; ringIndex += 1) {
    const ring = buildRing(memberCount, seed + ringIndex);
    ring.forEach((rank, place) => {
      connect(links, rank, ring[(place + 1) % ring.length] ?? rank);
    });
  }
  return links;
}

/** Exactly one side of a pair dials; parity spreads the dialling evenly over both. */
export function dials(rank: number, other: number): boolean {
  return (rank + other) % 2 === 0 ? rank < other : rank > other;
}

/** Whether this rank is linked to the origin directly: all in small fleets, evenly spread ones in large. */
export function linksToOrigin(rank: number, memberCount: number): boolean {
  return rank % Math.ceil(memberCount / ORIGIN_LINKS_MAX) === 0;
}

function buildRing(memberCount: number, seed: number): readonly number[] {
  const ring: number[] = [];
  for (let rank = 0; rank < memberCount; rank += 1) ring.splice(mix(seed, rank) % (rank + 1), 0, rank);
  return ring;
}

function connect(links: Map<number, Set<number>>, a: number, b: number): void {
  if (a === b) return;
  links.get(a)?.add(b);
  links.get(b)?.add(a);
}

/** 32-bit finaliser of MurmurHash3: spreads (seed, rank) evenly over the places of a ring. */
function mix(seed: number, rank: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(rank + 1, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
