// ADDR:PORT, and what is said about what is not one.
// Addresses to listen on as people write them, and what is no address.
import { describe, expect, it } from "vitest";
import { parseListenAddress } from "../../../cli/config/listen-address.ts";
import type { FleetError } from "../../../protocol/errors.ts";

describe("ADDR:PORT", () => {
  it.each([
    ["127.0.0.1:7700", "127.0.0.1", 7700],
    ["0.0.0.0:0", "0.0.0.0", 0],
    ["[::1]:0", "::1", 0],
    ["[::]:65535", "::", 65_535],
    ["[fe80::1%eth0]:1", "fe80::1%eth0", 1],
    ["coordinator.example:80", "coordinator.example", 80],
  ])("reads %s", (source, host, port) => {
    expect(parseListenAddress(source, "--listen")).toEqual({ host, port });
  });

  it.each([
    ["7700", "the port is missing"],
    ["127.0.0.1", "the port is missing"],
    [":7700", "the address before the port is missing"],
    ["127.0.0.1:", "the port must be a number from 0 to 65535"],
    ["127.0.0.1:65536", "the port must be a number from 0 to 65535"],
    ["127.0.0.1:http", "the port must be a number from 0 to 65535"],
    ["::1:0", "an IPv6 address must stand in brackets"],
    ["[1.2.3.4]:0", "1.2.3.4 is not an IPv6 address"],
    ["[]:0", "the address before the port is missing"],
    ["a b:1", "a b is neither an address nor a host name"],
    ["http://x:1", "this is not an address and a port"],
  ])("refuses %s: %s", (source, why) => {
    expect(() => parseListenAddress(source, "--listen")).toThrow(
      expect.objectContaining({ code: "usage", message: `--listen ${source}: ${why}` }) as FleetError,
    );
  });
});
