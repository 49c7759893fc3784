// Nodes that were found without the coordinator: a short list, a few links, and soon forgotten when they do not answer.
// Decides only; the roster says who they turn out to be.
import type { Millis } from "../../protocol/ids.ts";
import type { Neighbour } from "../../protocol/messages.ts";
import type { Contact } from "./dht-message.ts";
import { isSettled } from "./open-links.ts";

/** Several times the links that are wanted: many of those found in a swarm that falls apart are gone. */
export const FOUND_MAX = 32;
/** As many neighbours as a node has with a coordinator: a swarm of such links is connected. */
export const FOUND_LINKS_MAX = 8;
/** Dials that fail one after the other until a place on the list is given to somebody else. */
const FAILURES_MAX = 3;
const REDIAL_MS = 2_000;

interface Found {
  readonly contact: Contact;
  state: "waiting" | "dialling" | "linked";
  failures: number;
  dialAt: Millis;
}

export class FoundPeers {
  readonly #byName = new Map<string, Found>();

  /** Those under way. */
  get dials(): number {
    return this.#count("dialling");
  }

  /** Adds what there is room for; `isKnown` says of whom another list takes care. */
  add(contacts: readonly Contact[], isKnown: (contact: Contact) => boolean, now: Millis): void {
    for (const contact of contacts) {
      if (this.#byName.size >= FOUND_MAX) return;
      const name = nameOf(contact);
      if (this.#byName.has(name) || isKnown(contact)) continue;
      this.#byName.set(name, { contact, state: "waiting", failures: 0, dialAt: now });
    }
  }

  /** Links stay; nobody is dialled (again). */
  forgetAll(): void {
    this.#byName.clear();
  }

  forget(name: string): void {
    this.#byName.delete(name);
  }

  contactOf(name: string): Contact | null {
    return this.#byName.get(name)?.contact ?? null;
  }

  nextDialAt(): Millis | null {
    const [next] = this.#waiting();
    return next === undefined ? null : next.dialAt;
  }

  /** Whom to dial now: it counts as under way from here on. Null when that is nobody. */
  takeDue(now: Millis): Neighbour | null {
    const [next] = this.#waiting();
    if (next === undefined || next.dialAt > now) return null;
    next.state = "dialling";
    return { id: nameOf(next.contact), ...next.contact, dial: true, far: null, feeds: null };
  }

  linked(name: string): void {
    const found = this.#byName.get(name);
    if (found !== undefined) found.state = "linked";
  }

  failed(name: string, now: Millis): void {
    const found = this.#byName.get(name);
    if (found === undefined) return;
    found.failures += 1;
    if (found.failures >= FAILURES_MAX) return this.forget(name);
    found.state = "waiting";
    found.dialAt = now + REDIAL_MS * found.failures;
  }

  closed(name: string, link: { openedAt: Millis }, now: Millis): void {
    const found = this.#byName.get(name);
    if (found !== undefined && isSettled(link, now)) found.failures = 0;
    this.failed(name, now);
  }

  /** The earliest first; empty when there are links enough. */
  #waiting(): readonly Found[] {
    if (this.#count("linked") + this.dials >= FOUND_LINKS_MAX) return [];
    const waiting = [...this.#byName.values()].filter(({ state }) => state === "waiting");
    return waiting.sort((a, b) => a.dialAt - b.dialAt);
  }

  #count(state: Found["state"]): number {
    let count = 0;
    for (const found of this.#byName.values()) if (found.state === state) count += 1;
    return count;
  }
}

/** Stands where a neighbour's id would; no node id looks like it. */
function nameOf({ host, port }: Contact): string {
  return `found ${host}:${port}`;
}
