// Who has to go when too many connections say nothing.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WaitingRoom } from "../../../peer/core/waiting-room.ts";

describe("WaitingRoom", () => {
  it("sends nobody away while there is room", () => {
    const room = new WaitingRoom<number>(3);
    expect([room.enter(1, "a"), room.enter(2, "a"), room.enter(3, "b")]).toEqual([null, null, null]);
    room.leave(2, "a");
    expect(room.enter(4, "a")).toBeNull();
  });

  it("sends away who has been there longest of the address that holds most places", () => {
    const room = new WaitingRoom<number>(4);
    room.enter(1, "quiet");
    for (const guest of [2, 3, 4]) room.enter(guest, "crowd");
    expect(room.enter(5, "crowd")).toBe(2);
    expect(room.enter(6, "other")).toBe(3);
    expect([...room.guests()].toSorted()).toEqual([1, 4, 5, 6]);
  });

  it("never holds more than its places, counts right, and spares a lone guest while another address has two", () => {
    const step = fc.record({
      guest: fc.nat(60),
      address: fc.constantFrom("a", "b", "c"),
      leaves: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const room = new WaitingRoom<string>(5);
        const there = new Map<string, string>();
        for (const { guest, address, leaves } of steps) {
          const name = `${address}${guest}`;
          if (leaves) {
            room.leave(name, address);
            there.delete(name);
          } else if (!there.has(name)) {
            const evicted = room.enter(name, address);
            if (evicted !== null) {
              const from = there.get(evicted);
              const places = [...there.values()];
              const most = Math.max(
                ...places.map((place) => places.filter((other) => other === place).length),
              );
              expect(places.filter((place) => place === from)).toHaveLength(most);
              there.delete(evicted);
            }
            there.set(name, address);
          }
          expect(room.size).toBe(there.size);
          expect(room.size).toBeLessThanOrEqual(5);
          expect([...room.guests()].toSorted()).toEqual([...there.keys()].toSorted());
        }
      }),
    );
  });
});
