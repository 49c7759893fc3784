// Who is named for what, and who must not be: the download machine against remotes that hold it up, and honest slow
// ones.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RemoteSpec, WorldSpec } from "./download-world.ts";
import { HONEST, runWorld } from "./run-world.ts";

/** Slow enough for a download that lasts. */
const SLOW: RemoteSpec = { ...HONEST, bytesPerSecond: 40_000 };
const TRICKLE: RemoteSpec = { ...HONEST, bytesPerSecond: 2_000 };

/** Long enough for everybody to show what they are like. */
const runLong = (changes: Partial<WorldSpec>) => runWorld({ pieceCount: 60, ...changes });

describe("a remote that holds a download up", () => {
  it("is named for never answering", () => {
    const { offences } = runLong({ remotes: [SLOW, { ...HONEST, temper: "silent" }] });
    expect(new Set(offences)).toEqual(new Set(["silent at 4000000 B/s: no-answer"]));
  });

  it("is named for a trickle, and costs hardly any time", () => {
    const alone = runLong({ remotes: [SLOW] });
    const { offences, now } = runLong({ remotes: [SLOW, TRICKLE] });
    expect(offences).toEqual(["honest at 2000 B/s: drip"]);
    expect(now).toBeLessThan(1.1 * alone.now);
  });

  it("is named for refusing what it claims, and its link is cut", () => {
    const { offences, closedFor } = runLong({ remotes: [SLOW, { ...HONEST, temper: "rejecting" }] });
    expect(new Set(offences)).toEqual(new Set(["rejecting at 4000000 B/s: refuses"]));
    expect(closedFor).toContain("refuses the pieces it claims");
  });

  it("still brings the artifact when a trickle is all there is", () => {
    const { complete, offences } = runLong({ remotes: [TRICKLE], pieceCount: 3 });
    expect(complete).toBe(true);
    expect(offences).toEqual(["honest at 2000 B/s: drip"]);
  });
});

describe("nobody is named", () => {
  it("who is the origin and refuses what others are to have first", () => {
    const origin: RemoteSpec = { ...HONEST, temper: "rejecting", isOrigin: true };
    expect(runLong({ remotes: [SLOW, origin] }).offences).toEqual([]);
  });

  it("who answers at all, however slow a link in use may be and however many share it", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.constantFrom(20_000, 50_000, 400_000, 4_000_000), { minLength: 1, maxLength: 6 }),
        fc.constantFrom(0, 20, 400),
        (seed, rates, latencyMs) => {
          const remotes = rates.map((bytesPerSecond) => ({ ...HONEST, bytesPerSecond, latencyMs }));
          expect(runLong({ seed, remotes }).offences).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("who chokes, or leaves and comes back", () => {
    const remotes = (["choking", "leaving"] as const).map((temper): RemoteSpec => ({ ...SLOW, temper }));
    expect(runLong({ remotes: [SLOW, ...remotes] }).offences).toEqual([]);
  });
});
