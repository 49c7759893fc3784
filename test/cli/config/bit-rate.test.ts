// Rates as people write them.
import { describe, expect, it } from "vitest";
import { bitRateSchema, formatBitRate, parseBitRate } from "../../../cli/config/bit-rate.ts";

describe("a rate", () => {
  it.each([
    ["1kbit", 125],
    ["50Mbit", 6_250_000],
    ["50 mbit/s", 6_250_000],
    ["2.5Gbit", 312_500_000],
    ["10Gbps", null],
    ["10Gbitps", 1_250_000_000],
    [" 8Mbit ", 1_000_000],
  ])("%j is %j bytes per second", (text, bytesPerSecond) => {
    expect(parseBitRate(text)).toBe(bytesPerSecond);
  });

  it.each(["", "50", "50MB", "-1Mbit", "0Mbit", "0.5kbit", "1e9Mbit", "99999999Gbit", "Mbit", "1.2345Mbit"])(
    "%j is refused",
    (text) => {
      expect(parseBitRate(text)).toBeNull();
    },
  );

  it.each([
    [125, "1 kbit/s"],
    [6_250_000, "50 Mbit/s"],
    [312_500_000, "2.5 Gbit/s"],
    [1_234_567, "9.877 Mbit/s"],
  ])("%i bytes per second are shown as %j", (bytesPerSecond, text) => {
    expect(formatBitRate(bytesPerSecond)).toBe(text);
  });

  it("in a file is text, and nothing else", () => {
    expect(bitRateSchema.decode("50Mbit", "uploadMax")).toBe(6_250_000);
    expect(() => bitRateSchema.decode(50, "uploadMax")).toThrow("uploadMax: expected a rate such as");
  });
});
