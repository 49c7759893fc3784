// What rates are measured from arrivals: bursts without their pauses, samples with them, and means for people.
import { describe, expect, it } from "vitest";
import { BurstRate, MeanRate, SampledRate } from "../../../peer/core/rate.ts";

describe("SampledRate", () => {
  it("counts everything that arrives, pauses included, once a sample is over", () => {
    const rate = new SampledRate(200);
    expect(rate.add(10_000, 1_000)).toBe(false);
    expect(rate.add(10_000, 1_150)).toBe(false);
    expect(rate.bytesPerSecond).toBe(0);
    expect(rate.add(20_000, 1_200)).toBe(true);
    expect(rate.bytesPerSecond).toBe(200_000);
  });

  it("believes a higher rate at once and a lower one slowly", () => {
    const rate = new SampledRate(200);
    rate.add(0, 0);
    rate.add(20_000, 200);
    rate.add(80_000, 400);
    expect(rate.bytesPerSecond).toBe(400_000);
    rate.add(20_000, 600);
    expect(rate.bytesPerSecond).toBe(310_000);
    for (let at = 800; at < 8_000; at += 200) rate.add(20_000, at);
    expect(rate.bytesPerSecond).toBeCloseTo(100_000, -2);
  });

  it("falls after a silence, which is part of the sample", () => {
    const rate = new SampledRate(200);
    rate.add(0, 0);
    rate.add(100_000, 200);
    rate.add(1_000, 10_200);
    expect(rate.bytesPerSecond).toBeLessThan(400_000);
  });
});

describe("BurstRate", () => {
  it("does not count the pauses between bursts", () => {
    const rate = new BurstRate();
    for (const start of [0, 5_000, 10_000])
      for (let at = 0; at <= 100; at += 10) rate.add(10_000, start + at);
    expect(rate.bytesPerSecond).toBe(1_000_000);
  });

  it("knows nothing before its first sample, and after it was told to forget", () => {
    const rate = new BurstRate();
    rate.add(50_000, 0);
    rate.add(50_000, 49);
    expect(rate.bytesPerSecond).toBe(0);
    rate.add(0, 50);
    expect(rate.bytesPerSecond).toBe(1_000_000);
    rate.forget();
    expect(rate.bytesPerSecond).toBe(0);
  });
});

describe("MeanRate", () => {
  it("comes to the rate of a steady stream, and to nothing without one", () => {
    const rate = new MeanRate(5_000);
    expect(rate.at(0)).toBe(0);
    for (let at = 0; at < 60_000; at += 10) rate.add(1_000, at);
    expect(rate.at(60_000) / 100_000).toBeCloseTo(1, 1);
    expect(rate.at(120_000)).toBeLessThan(10);
  });
});
