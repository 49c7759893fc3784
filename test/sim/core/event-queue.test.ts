// The heap of simulated events: order of time, then of pushing, whatever is pushed and popped in between.
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventQueue } from "../../../sim/core/event-queue.ts";

interface Expected {
  readonly at: number;
  readonly order: number;
}

test("events come in order of time, and of pushing where times are equal", () => {
  // A null pops; a number pushes an event at that time.
  const steps = fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { freq: 3 }), { maxLength: 3_000 });
  fc.assert(
    fc.property(steps, (given) => {
      const queue = new EventQueue();
      const model: Expected[] = [];
      for (const [order, at] of given.entries()) {
        if (at !== null) {
          queue.push(at, order % 7, order, order / 3);
          model.push({ at, order });
          continue;
        }
        const first = model.toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
        expect(queue.pop()).toBe(first !== undefined);
        if (first === undefined) continue;
        model.splice(model.indexOf(first), 1);
        expect(queue).toMatchObject({
          at: first.at,
          kind: first.order % 7,
          subject: first.order,
          detail: first.order / 3,
        });
      }
      expect(queue.size).toBe(model.length);
    }),
    { numRuns: 50 },
  );
});

test("it grows as far as it has to", () => {
  const queue = new EventQueue();
  for (let index = 0; index < 100_000; index += 1) queue.push((index * 7_919) % 100_003, 0, index);
  let last = -1;
  while (queue.pop()) {
    expect(queue.at).toBeGreaterThan(last);
    last = queue.at;
  }
  expect(queue.size).toBe(0);
});
