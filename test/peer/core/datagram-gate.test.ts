// How many datagrams pass, in made-up time.
import { describe, expect, it } from "vitest";
import {
  ADDRESSES_MAX,
  DATAGRAMS_PER_SECOND_MAX,
  DATAGRAMS_PER_SECOND_PER_ADDRESS_MAX,
  DatagramGate,
} from "../../../peer/core/datagram-gate.ts";

/** How many of these many pass. */
function passing(count: number, admit: () => boolean): number {
  return Array.from({ length: count }, admit).filter(Boolean).length;
}

describe("DatagramGate", () => {
  it("lets through what a fleet needs, and of a flood the same every second", () => {
    const gate = new DatagramGate(0);
    const burst = passing(1e5, () => gate.admit(0));
    expect(burst).toBe(2 * DATAGRAMS_PER_SECOND_MAX);
    expect(passing(1e5, () => gate.admit(1_000))).toBe(DATAGRAMS_PER_SECOND_MAX);
    expect(passing(1e5, () => gate.admit(3_600_000))).toBe(burst);
  });

  it("lets one address be loud without silencing another", () => {
    const gate = new DatagramGate(0);
    const loud = passing(1e4, () => gate.admitFrom("10.0.0.1", 0));
    expect(loud).toBe(2 * DATAGRAMS_PER_SECOND_PER_ADDRESS_MAX);
    expect(gate.admitFrom("10.0.0.2", 0)).toBe(true);
    expect(passing(1e4, () => gate.admitFrom("10.0.0.1", 1_000))).toBe(DATAGRAMS_PER_SECOND_PER_ADDRESS_MAX);
  });

  it("remembers a bounded number of addresses, and those that talk rather than those that are silent", () => {
    const gate = new DatagramGate(0);
    passing(1e4, () => gate.admitFrom("10.0.0.1", 0));
    for (let index = 0; index < 5 * ADDRESSES_MAX; index++) {
      gate.admitFrom(`10.1.${index >> 8}.${index & 255}`, 0);
      expect(gate.admitFrom("10.0.0.1", 0)).toBe(false);
    }
    expect(gate.size).toBe(ADDRESSES_MAX);
  });
});
