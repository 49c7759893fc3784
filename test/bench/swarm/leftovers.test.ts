// Which namespaces, links and folders a benchmark may remove: those of a dead benchmark, and nothing else's.
import { describe, expect, it } from "vitest";
import { isLeftOver, makerOf } from "../../../bench/swarm/leftovers.ts";
import { Network, namespacePrefix } from "../../../bench/swarm/network.ts";
import { Processes } from "../../../bench/swarm/processes.ts";

describe("names on the machine", () => {
  const network = new Network(new Processes(), Array<number>(201).fill(1));

  it("tell which benchmark made them", () => {
    for (const { namespace, port } of network.hosts) {
      expect(makerOf(namespace)).toBe(process.pid);
      expect(makerOf(port)).toBe(process.pid);
    }
    expect(makerOf(`${namespacePrefix(4_194_304)}x7Gf2Q`)).toBe(4_194_304);
    expect(makerOf("fb2hwcgbr")).toBe(Number.parseInt("2hwcg", 36));
  });

  it("are unique, and short enough for an interface", () => {
    const names = network.hosts.flatMap(({ namespace, port, address }) => [namespace, port, address]);
    expect(new Set(names).size).toBe(names.length);
    // 15 characters at most, also with the longest process number.
    expect(network.hosts.every(({ port }) => port.length <= 15 - (5 - process.pid.toString(36).length))).toBe(
      true,
    );
  });

  it.each([
    "eth0",
    "docker0",
    "fb0",
    "fbr0",
    "fb12x",
    "fbxyz12345x1",
    "fleet-bench-",
    "fleet-benchmark-12-1",
    "fleet-e2e-4-1",
  ])("of others are left alone: %s", (name) => {
    expect(isLeftOver(name, () => false)).toBe(false);
  });

  it("of a benchmark that runs are left alone", () => {
    const running = (pid: number) => pid === 77;
    expect(isLeftOver(`${namespacePrefix(77)}1`, running)).toBe(false);
    expect(isLeftOver(`${namespacePrefix(78)}1`, running)).toBe(true);
  });
});
