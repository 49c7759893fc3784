// Whose pieces count as copies: what is rare, and what nobody but the origin can send, follows from it.
// One that came complete changes no order; one in another zone is no copy in this one; and one that had to be given up
// on, with its connection still open as when its machine hangs, has nothing to give until it sends again.
import type { DownloadState, Link } from "./download-state.ts";

/** To be called before it has a further piece, and whenever it moved to another zone, was given up on or sent again. */
export function recount(state: DownloadState, link: Link): void {
  const counts = link.far === null && link.giveUps === 0 && (link.counted || !link.has.isFull);
  if (counts === link.counted) return;
  link.counted = counts;
  for (let piece = 0; piece < link.has.length; piece++) {
    if (!link.has.has(piece)) continue;
    if (counts) state.rarity.gainCopy(piece);
    else state.rarity.loseCopy(piece);
  }
}
