// Frames that are kept, and a short run of the fuzzer over them; `npm run fuzz` runs a longer one.
import { describe, expect, test } from "vitest";
import { createPrng } from "../../protocol/prng.ts";
import { DecodeError } from "../../protocol/schema.ts";
import { decodeCoordinatorFrame, decodeNodeFrame } from "../../protocol/shell/frame.ts";
import { SAMPLES } from "../protocol/support/arbitraries.ts";
import { formatFrame, parseFrame, readCorpus } from "./corpus.ts";
import { mutate } from "./mutate.ts";
import { type Decoder, judge } from "./verdict.ts";

const corpus = readCorpus();
const frames = corpus.map(({ frame }) => frame);
const RUNS = 20_000;

describe("a kept frame", () => {
  const decoders = { coordinator: decodeCoordinatorFrame, node: decodeNodeFrame };

  test.each(corpus.filter(({ from }) => from === "nobody"))("is refused: $name", ({ frame }) => {
    expect(judge(frame)).toBe(0);
  });

  test.each(corpus.filter(({ from }) => from !== "nobody"))(
    "of version 1 is still read: $name",
    ({ name, from, frame }) => {
      const message = from === "nobody" ? null : decoders[from](frame);
      expect(`${message?.kind}.hex`).toBe(name);
      expect(judge(frame)).toBe(1);
    },
  );

  test("is there for every kind of message", () => {
    const kept = corpus.map(({ name, from }) => `${from} ${name}`);
    for (const { from, kind } of SAMPLES) expect(kept).toContain(`${from} ${kind}.hex`);
  });
});

test("damaged frames are refused, or read as messages that can be sent on", () => {
  const prng = createPrng(1);
  let accepted = 0;
  for (let run = 0; run < RUNS; run += 1) accepted += judge(mutate(frames, prng.child(run)));
  // Were it none, the damage would be too coarse to reach past the first check.
  expect(accepted).toBeGreaterThan(RUNS / 100);
});

describe("the fuzzer itself", () => {
  function faultsFound(decoder: Decoder): number {
    const prng = createPrng(1);
    let faults = 0;
    for (let run = 0; run < 500; run += 1) {
      try {
        judge(mutate(frames, prng.child(run)), [decoder]);
      } catch {
        faults += 1;
      }
    }
    return faults;
  }

  test("finds a decoder that fails with something else than a DecodeError", () => {
    expect(faultsFound((frame) => JSON.parse(Buffer.from(frame).toString()) as never)).toBeGreaterThan(400);
  });

  test("finds a decoder that lets one wrong value through", () => {
    const careless: Decoder = (frame) => {
      if (frame.length % 7 === 0) return { kind: "heartbeat", extra: frame.length } as never;
      throw new DecodeError("", "a lucky number");
    };
    expect(faultsFound(careless)).toBeGreaterThan(20);
  });

  test("makes the same frames from the same seed, and others from another", () => {
    const made = (seed: number): readonly string[] =>
      Array.from({ length: 50 }, (_, run) =>
        Buffer.from(mutate(frames, createPrng(seed).child(run))).toString("hex"),
      );
    expect(made(7)).toEqual(made(7));
    expect(made(7)).not.toEqual(made(8));
  });
});

test("a frame is written into a file and read from it", () => {
  const frame = Uint8Array.from({ length: 200 }, (_, index) => index);
  expect(parseFrame(formatFrame(frame, "all sorts"))).toEqual(Buffer.from(frame));
  expect(() => parseFrame("# a comment\n80 zz")).toThrow("hex digits");
});
