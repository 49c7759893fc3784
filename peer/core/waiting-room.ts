// Connections that have not said what they want, and which of them goes when there are too many.
// An honest remote speaks within a round trip, so the longest silence of whoever holds most places goes first; a
// flood then costs its own address and nobody else. Never touches a socket.

/** Connections that are waited for at once: a fleet that starts together needs no more in flight. */
export const WAITING_MAX = 256;

export class WaitingRoom<Guest> {
  /** Guests by address, longest there first. */
  readonly #byAddress = new Map<string, Set<Guest>>();
  readonly #max: number;
  #size = 0;

  constructor(max: number = WAITING_MAX) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Returns who has to go for it, null while there is room. Whoever goes has left already. */
  enter(guest: Guest, address: string): Guest | null {
    const evicted = this.#size < this.#max ? null : this.#evict();
    const guests = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, guests.add(guest));
    this.#size += 1;
    return evicted;
  }

  /** Does nothing for one that is not there any more. */
  leave(guest: Guest, address: string): void {
    const guests = this.#byAddress.get(address);
    if (guests === undefined || !guests.delete(guest)) return;
    this.#size -= 1;
    if (guests.size === 0) this.#byAddress.delete(address);
  }

  *guests(): Generator<Guest> {
    for (const guests of this.#byAddress.values()) yield* guests;
  }

  #evict(): Guest | null {
    let crowd: { address: string; guests: Set<Guest> } | null = null;
    for (const [address, guests] of this.#byAddress)
      if (crowd === null || guests.size > crowd.guests.size) crowd = { address, guests };
    const [longest] = crowd?.guests ?? [];
    if (crowd === null || longest === undefined) return null;
    this.leave(longest, crowd.address);
    return longest;
  }
}
