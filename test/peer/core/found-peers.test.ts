// Which of the nodes that were found are dialled, and how long a node puts up with them.
import { describe, expect, it } from "vitest";
import { FOUND_LINKS_MAX, FOUND_MAX, FoundPeers } from "../../../peer/core/found-peers.ts";

function contact(index: number) {
  return { host: `10.0.0.${index}`, port: 7_000 };
}

const many = Array.from({ length: 100 }, (_, index) => contact(index + 1));
const nobody = () => false;

function dials(list: FoundPeers, now: number): string[] {
  const names: string[] = [];
  for (let next = list.takeDue(now); next !== null; next = list.takeDue(now)) names.push(next.id);
  return names;
}

describe("FoundPeers", () => {
  it("keeps a bounded list, dials a few at a time, and goes on when one of them is gone", () => {
    const list = new FoundPeers();
    list.add(many, nobody, 0);
    const first = dials(list, 0);
    expect(first).toHaveLength(FOUND_LINKS_MAX);
    expect(list.dials).toBe(FOUND_LINKS_MAX);
    for (const name of first) list.linked(name);
    expect(list.nextDialAt()).toBeNull();
    list.forget(first[0] ?? "");
    expect(dials(list, 0)).toHaveLength(1);
  });

  it("tries everybody on its list a few times and then has room for others", () => {
    const list = new FoundPeers();
    list.add(many, nobody, 0);
    const tries = new Map<string, number>();
    let now = 0;
    for (let next = list.nextDialAt(); next !== null; next = list.nextDialAt()) {
      now = Math.max(now, next);
      for (const name of dials(list, now)) {
        tries.set(name, (tries.get(name) ?? 0) + 1);
        list.failed(name, now);
      }
    }
    expect(tries.size).toBe(FOUND_MAX);
    expect(new Set(tries.values())).toEqual(new Set([3]));
    list.add(many.slice(-1), nobody, now);
    expect(dials(list, now)).toHaveLength(1);
  });

  it("leaves out whom others take care of, and whom it has already", () => {
    const list = new FoundPeers();
    list.add([contact(1), contact(1), contact(2)], ({ host }) => host === "10.0.0.2", 0);
    expect(dials(list, 0)).toEqual(["found 10.0.0.1:7000"]);
  });

  it("forgives a link that held for long", () => {
    const list = new FoundPeers();
    list.add([contact(1)], nobody, 0);
    let now = 0;
    for (let round = 0; round < 10; round++) {
      const [name = ""] = dials(list, now);
      list.linked(name);
      list.closed(name, { openedAt: now }, now + 20_000);
      now = list.nextDialAt() ?? Number.NaN;
    }
    expect(now).toBeGreaterThan(200_000);
  });

  it("dials nobody any more once all are forgotten", () => {
    const list = new FoundPeers();
    list.add(many, nobody, 0);
    const [name = ""] = dials(list, 0);
    list.forgetAll();
    list.failed(name, 0);
    expect(list.nextDialAt()).toBeNull();
  });
});
