// Who sent bad data. Owns the strikes per source and the block digests of failed pieces, until a good copy tells
// which blocks were wrong. Never decides what to fetch; the caller refetches a failed piece from one source only.

/** A failed piece from one source, or a block proven wrong, is proof: one is enough for a node. */
const STRIKES_MAX = 1;
/** Losing the origin costs more than a flipped bit in its memory, so it is given a second and third try. */
const ORIGIN_STRIKES_MAX = 3;
/** Failed pieces that wait for a good copy. More than that at once is not noise, and strikes name who it is anyway. */
const SUSPECT_PIECES_MAX = 64;

interface Suspect {
  readonly sources: readonly (string | null)[];
  readonly digests: readonly string[];
}

export class Culprits {
  readonly #suspects = new Map<number, Suspect>();
  readonly #strikes = new Map<string, number>();
  readonly #banned = new Set<string>();
  readonly #origin: string;

  constructor(originSource: string) {
    this.#origin = originSource;
  }

  isBanned(source: string): boolean {
    return this.#banned.has(source);
  }

  /** True while a piece has failed and no good copy has come: it must then be filled by one source. */
  isSuspect(piece: number): boolean {
    return this.#suspects.has(piece);
  }

  /** A piece did not fit its hash. Returns the sources that are banned for it now. */
  pieceFailed(
    piece: number,
    sources: readonly (string | null)[],
    digests: readonly string[],
  ): readonly string[] {
    const distinct = new Set(sources.filter((source) => source !== null));
    const [only] = distinct;
    this.#remember(piece, { sources, digests });
    return distinct.size === 1 && only !== undefined ? this.#strike([only]) : [];
  }

  /** A suspect piece fits its hash now. Blocks that differ from the failed copy were wrong: bans who sent them. */
  pieceHolds(piece: number, digests: readonly string[]): readonly string[] {
    const suspect = this.#suspects.get(piece);
    this.#suspects.delete(piece);
    if (suspect === undefined) return [];
    const guilty = suspect.sources.filter(
      (source, block): source is string => source !== null && suspect.digests[block] !== digests[block],
    );
    return this.#strike([...new Set(guilty)].filter((source) => !this.isBanned(source)));
  }

  #remember(piece: number, suspect: Suspect): void {
    // The first failure has the most sources; later ones come from a single, already struck source.
    if (this.#suspects.has(piece)) return;
    const [oldest] = this.#suspects.keys();
    if (this.#suspects.size >= SUSPECT_PIECES_MAX && oldest !== undefined) this.#suspects.delete(oldest);
    this.#suspects.set(piece, suspect);
  }

  #strike(sources: readonly string[]): readonly string[] {
    return sources.filter((source) => {
      const strikes = (this.#strikes.get(source) ?? 0) + 1;
      this.#strikes.set(source, strikes);
      if (strikes < (source === this.#origin ? ORIGIN_STRIKES_MAX : STRIKES_MAX)) return false;
      this.#banned.add(source);
      return true;
    });
  }
}
