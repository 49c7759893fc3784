// Runs in memory: loaded once, never changed while somebody reads them, and never more than there is room for.
import { describe, expect, it } from "vitest";
import { ExtentCache, type Lease } from "../../../peer/shell/extent-cache.ts";

const BYTES = 16;
const WHOLE = { from: 0, to: BYTES };

function runOf(value: number): Uint8Array {
  return new Uint8Array(BYTES).fill(value);
}

const mustNotLoad = (): Promise<void> => expect.fail("loads what is here");

function atHand(cache: ExtentCache, key: number): Lease {
  const lease = cache.lease(key, WHOLE, mustNotLoad);
  if (lease === null || lease instanceof Promise) return expect.fail(`run ${key} is not here`);
  return lease;
}

describe("ExtentCache", () => {
  it("serves a run that was put in without loading it, from a copy", () => {
    const cache = new ExtentCache({ extentsMax: 2, extentBytes: BYTES });
    const bytes = runOf(7);
    cache.put(1, bytes);
    bytes.fill(0);
    expect([...atHand(cache, 1).bytes]).toEqual([...runOf(7)]);
    expect([...(cache.lease(1, { from: 4, to: 6 }, mustNotLoad) as Lease).bytes]).toEqual([7, 7]);
  });

  it("lets the least recently used run go for one that is put in, and never one that is leased", () => {
    const cache = new ExtentCache({ extentsMax: 2, extentBytes: BYTES });
    cache.put(1, runOf(1));
    cache.put(2, runOf(2));
    const first = atHand(cache, 1);
    cache.put(3, runOf(3));
    expect([...first.bytes]).toEqual([...runOf(1)]);
    const third = atHand(cache, 3);
    cache.put(4, runOf(4));
    expect(cache.lease(4, WHOLE, mustNotLoad), "no room while all are leased").toBeNull();
    expect([...first.bytes, ...third.bytes]).toEqual([...runOf(1), ...runOf(3)]);
    third.release();
    cache.put(4, runOf(4));
    expect([...atHand(cache, 4).bytes]).toEqual([...runOf(4)]);
  });

  it("keeps what it has when the same run is put in again", () => {
    const cache = new ExtentCache({ extentsMax: 2, extentBytes: BYTES });
    cache.put(1, runOf(1));
    const lease = atHand(cache, 1);
    cache.put(1, runOf(9));
    expect([...lease.bytes]).toEqual([...runOf(1)]);
  });

  it("loads a run once however many ask, and again after a failure", async () => {
    const cache = new ExtentCache({ extentsMax: 2, extentBytes: BYTES });
    let loads = 0;
    const load = (buffer: Buffer): Promise<void> => {
      loads += 1;
      if (loads === 1) return Promise.reject(new Error("unreadable"));
      buffer.fill(5);
      return Promise.resolve();
    };
    await expect(cache.lease(1, WHOLE, load)).rejects.toThrow("unreadable");
    const both = await Promise.all([cache.lease(1, WHOLE, load), cache.lease(1, WHOLE, load)]);
    expect(loads).toBe(2);
    for (const lease of both) expect([...(lease?.bytes ?? [])]).toEqual([...runOf(5)]);
  });
});
