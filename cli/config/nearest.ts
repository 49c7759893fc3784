// Finds what a mistyped word was meant to be. Pure.

/** Fewer letters begin too many words. */
const BEGINNING_CHARS_MIN = 3;

/**
 * The candidate with the fewest edits to `word`, or else one that begins with it; case, `-` and `_` do not count. Null
 * when all are too far away.
 */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const wanted = fold(word);
  // Beyond a third of the letters the guess is more likely wrong than right.
  const editsMax = Math.max(2, Math.floor(wanted.length / 3));
  let best: { readonly candidate: string; readonly edits: number } | null = null;
  for (const candidate of candidates) {
    const edits = editDistance(wanted, fold(candidate));
    if (edits <= editsMax && edits < Math.max(wanted.length, 1) && (best === null || edits < best.edits))
      best = { candidate, edits };
  }
  const isBeginning = (candidate: string): boolean =>
    wanted.length >= BEGINNING_CHARS_MIN && fold(candidate).startsWith(wanted);
  return best?.candidate ?? candidates.find(isBeginning) ?? null;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

function fold(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, "");
}
