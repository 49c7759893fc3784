// What this node holds against those it exchanges pieces with, until the coordinator has heard of it: counts, and says
// what to report and when. Bounded in entries and in reports; never judges, and never touches a link.
import type { Generation, Millis } from "../../protocol/ids.ts";
import { OFFENCES_PER_RELEASE_MAX } from "../../protocol/limits.ts";
import { type ReleaseRef, sameRelease } from "../../protocol/manifest.ts";
import type { Offence, OffenderReport } from "../../protocol/offence.ts";

/** Strangers can come from any number of addresses: beyond this the oldest entry goes. */
const ENTRIES_MAX = OFFENCES_PER_RELEASE_MAX;
/** Reports that may leave at once, and how soon there is room for another. */
const BURST_MAX = 16;
const MS_PER_REPORT = 1_000;

interface Entry {
  readonly release: ReleaseRef;
  readonly offence: Offence;
  generation: Generation;
  count: number;
  /** The next count that is worth a report. */
  tellAt: number;
}

export class OffenceBook {
  readonly #entries = new Map<string, Entry>();
  #room = BURST_MAX;
  #roomAt: Millis = 0;

  /** Returns the report to send now: the first time, then whenever the count has doubled. Null for the others. */
  note(
    about: { readonly release: ReleaseRef; readonly generation: Generation },
    offence: Offence,
    now: Millis,
  ): OffenderReport | null {
    const { release, generation } = about;
    const key = `${release.app}/${release.version}/${release.sha256}/${offence.fault}/${offence.source}`;
    const entry = this.#entries.get(key) ?? { release, offence, generation, count: 0, tellAt: 1 };
    entry.generation = generation;
    entry.count += 1;
    this.#keep(key, entry);
    // What finds no room now is told with the next count, or after the next welcome.
    if (entry.count < entry.tellAt || !this.#takeRoom(now)) return null;
    entry.tellAt = 2 * entry.count;
    return reportOf(entry);
  }

  /** Everything, for a coordinator that may have missed it. */
  reports(): readonly OffenderReport[] {
    return [...this.#entries.values()].map(reportOf);
  }

  /** Nobody asks for this release any more. */
  forget(release: ReleaseRef): void {
    for (const [key, entry] of this.#entries)
      if (sameRelease(entry.release, release)) this.#entries.delete(key);
  }

  #keep(key: string, entry: Entry): void {
    const [oldest] = this.#entries.keys();
    if (!this.#entries.has(key) && this.#entries.size >= ENTRIES_MAX && oldest !== undefined)
      this.#entries.delete(oldest);
    this.#entries.set(key, entry);
  }

  #takeRoom(now: Millis): boolean {
    this.#room = Math.min(BURST_MAX, this.#room + (now - this.#roomAt) / MS_PER_REPORT);
    this.#roomAt = now;
    if (this.#room < 1) return false;
    this.#room -= 1;
    return true;
  }
}

function reportOf({ release, generation, offence, count }: Entry): OffenderReport {
  return { kind: "offender", generation, release, ...offence, count };
}
