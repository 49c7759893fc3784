// A roster for tests, with a clock of its own, and short ways to say what happens to it.
import { createRoster } from "../../../peer/core/link-roster.ts";
import type { RosterEffect, RosterEvent } from "../../../peer/core/roster-events.ts";
import type { Neighbour } from "../../../protocol/messages.ts";
import { createPrng } from "../../../protocol/prng.ts";
import { NO_STRIPES } from "../../../protocol/stripes.ts";

/** Where the neighbours of these tests live. */
export const HOST = "10.0.0.1";

export function neighbour(id: string, dial: boolean, port = 1): Neighbour {
  return { id, host: HOST, port, dial, far: null, feeds: null };
}

export class Bench {
  readonly #machine = createRoster({ ownId: "me", random: createPrng(1) });
  now = 0;

  send(event: RosterEvent): readonly RosterEffect[] {
    return this.#machine.handle(event, this.now);
  }

  list(...neighbours: Neighbour[]): readonly RosterEffect[] {
    return this.send({ kind: "neighbours", neighbours });
  }

  /** By default from {@link HOST}. */
  arrive(link: number, id: string | null, address = HOST): readonly RosterEffect[] {
    return this.send({ kind: "arrived", link, id, address });
  }

  get deadline(): number | null {
    return this.#machine.deadline();
  }

  /** Lets time pass to the next deadline and tells the machine. */
  wait(): readonly RosterEffect[] {
    this.now = this.deadline ?? this.now;
    return this.send({ kind: "tick" });
  }
}

export const accepted = (link: number, source: string, isOrigin = false): RosterEffect => ({
  kind: "accept",
  link,
  source,
  isOrigin,
  far: null,
  feeds: NO_STRIPES,
});
