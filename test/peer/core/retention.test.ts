// Which installed versions may go.
import fc from "fast-check";
import { expect, test } from "vitest";
import { VERSIONS_KEPT, versionsToRemove } from "../../../peer/core/retention.ts";

const versions = Array.from({ length: 9 }, (_, index) => ({
  directory: `d${index}`,
  sequence: index,
  serial: index + 1,
}));

test("the newest by signed sequence stay, whatever order they were installed in", () => {
  expect(versionsToRemove(versions.toReversed(), new Set())).toEqual(["d3", "d2", "d1", "d0"]);
  expect(versionsToRemove(versions, new Set())).toEqual(["d3", "d2", "d1", "d0"]);
});

test("the one installed last stays, however old its release is", () => {
  const old = { directory: "old", sequence: 0, serial: 99 };
  expect(versionsToRemove([...versions, old], new Set())).toEqual(["d3", "d2", "d1", "d0"]);
});

test("pinned versions stay however old they are", () => {
  expect(versionsToRemove(versions, new Set(["d0", "d2"]))).toEqual(["d3", "d1"]);
});

test("nothing pinned and none of the newest is ever removed", () => {
  const version = fc.record({ directory: fc.string({ minLength: 1 }), sequence: fc.nat(), serial: fc.nat() });
  fc.assert(
    fc.property(
      fc.uniqueArray(version, { selector: (one) => one.directory }),
      fc.array(fc.nat()),
      (installed, picks) => {
        const pinned = new Set(
          picks.flatMap((pick) => installed[pick % (installed.length || 1)]?.directory ?? []),
        );
        const removed = versionsToRemove(installed, pinned);
        for (const directory of removed) expect(pinned.has(directory)).toBe(false);
        expect(installed.length - removed.length).toBeGreaterThanOrEqual(
          Math.min(installed.length, VERSIONS_KEPT),
        );
        const newest = installed.toSorted((a, b) => b.sequence - a.sequence)[0];
        if (newest !== undefined) expect(removed).not.toContain(newest.directory);
      },
    ),
  );
});
