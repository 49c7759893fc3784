import fc from "fast-check";
import { expect, test } from "vitest";
import { VERSIONS_KEPT, versionsToRemove } from "../../../peer/core/retention.ts";

const versions = Array.from({ length: 9 }, (_, index) => ({ directory: `d${index}`, sequence: index }));

test("the newest by signed sequence stay, whatever order they were installed in", () => {
  expect(versionsToRemove(versions.toReversed(), new Set())).toEqual(["d3", "d2", "d1", "d0"]);
  expect(versionsToRemove(versions, new Set())).toEqual(["d3", "d2", "d1", "d0"]);
});

test("pinned versions stay however old they are", () => {
  expect(versionsToRemove(versions, new Set(["d0", "d2"]))).toEqual(["d3", "d1"]);
});

test("nothing pinned and none of the newest is ever removed", () => {
  const version = fc.record({ directory: fc.string({ minLength: 1 }), sequence: fc.nat() });
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
        const lowestKept = installed.filter(
          (one) => !removed.includes(one.directory) && !pinned.has(one.directory),
        );
        for (const kept of lowestKept)
          for (const one of installed)
            if (removed.includes(one.directory)) expect(one.sequence).toBeLessThanOrEqual(kept.sequence);
      },
    ),
  );
});
