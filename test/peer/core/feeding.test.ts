// Who is sent what without asking for it, and in which order.
import { beforeEach, describe, expect, it } from "vitest";
import { Feeding } from "../../../peer/core/feeding.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import { ALL_STRIPES, NO_STRIPES } from "../../../protocol/stripes.ts";

const EVEN = 1;
const ODD = 2;

let verified: Bitfield;
let feeding: Feeding;

function gain(piece: number): readonly number[] {
  verified.add(piece);
  return feeding.gained(piece);
}

function allOf(link: number): number[] {
  const pieces: number[] = [];
  for (let piece = feeding.take(link); piece !== null; piece = feeding.take(link)) pieces.push(piece);
  return pieces;
}

beforeEach(() => {
  verified = new Bitfield(10);
  feeding = new Feeding(verified);
  feeding.open(1);
  feeding.open(2);
});

describe("Feeding", () => {
  it("sends everybody the stripes they want, in the order in which pieces come", () => {
    feeding.want(1, EVEN);
    feeding.want(2, ALL_STRIPES);
    expect([4, 3, 0].map((piece) => gain(piece))).toEqual([[1, 2], [2], [1, 2]]);
    expect(allOf(1)).toEqual([4, 0]);
    expect(allOf(2)).toEqual([4, 3, 0]);
    expect(allOf(2)).toEqual([]);
  });

  it("begins with what is here already", () => {
    for (const piece of [5, 2, 8]) gain(piece);
    feeding.want(1, EVEN);
    gain(4);
    expect(allOf(1)).toEqual([2, 8, 4]);
  });

  it("says who has been sent two pieces fewer than another of those who are fed", () => {
    feeding.want(1, EVEN);
    feeding.want(2, EVEN);
    for (const piece of [0, 2, 4]) gain(piece);
    expect([feeding.isBehind(1), feeding.isBehind(2)]).toEqual([false, false]);
    feeding.take(2);
    expect(feeding.isBehind(1)).toBe(false);
    feeding.take(2);
    expect([feeding.isBehind(1), feeding.isBehind(2)]).toEqual([true, false]);
    feeding.want(2, NO_STRIPES);
    expect(feeding.isBehind(1)).toBe(false);
  });

  it("leaves out what the remote says it has, before it wants anything or while it waits", () => {
    const has = new Bitfield(10);
    has.add(2);
    feeding.remoteHasThese(1, has);
    for (const piece of [2, 4, 6]) gain(piece);
    feeding.want(1, EVEN);
    feeding.remoteHas(1, 4);
    feeding.remoteHas(1, 8);
    expect(gain(8)).toEqual([]);
    expect(allOf(1)).toEqual([6]);
  });

  it("sends again what did not come when a remote begins anew", () => {
    gain(2);
    feeding.want(1, EVEN);
    expect(allOf(1)).toEqual([2]);
    feeding.want(1, NO_STRIPES);
    expect(allOf(1)).toEqual([]);
    feeding.want(1, EVEN);
    expect(allOf(1)).toEqual([2]);
  });

  it("sends nothing to those who want nothing, have gone or are unknown", () => {
    gain(2);
    expect(allOf(1)).toEqual([]);
    feeding.want(1, EVEN);
    feeding.close(1);
    expect(gain(4)).toEqual([]);
    expect(allOf(1)).toEqual([]);
    expect(feeding.want(3, EVEN)).toBe(true);
    expect(feeding.isFed(3)).toBe(false);
  });

  it("knows who is fed, and whether anybody is", () => {
    expect(feeding.isAnyFed()).toBe(false);
    feeding.want(2, ODD);
    expect([feeding.isFed(1), feeding.isFed(2), feeding.isAnyFed()]).toEqual([false, true, true]);
    feeding.want(2, NO_STRIPES);
    expect(feeding.isAnyFed()).toBe(false);
  });

  it("has enough of a remote that changes its mind without end, but not of one that says the same", () => {
    for (let time = 0; time < 1_000; time += 1) expect(feeding.want(1, EVEN)).toBe(true);
    const answers = Array.from({ length: 300 }, (_, time) => feeding.want(2, time % 2 === 0 ? EVEN : ODD));
    expect(answers.indexOf(false)).toBe(256);
  });

  it("takes no notice of pieces that do not exist", () => {
    feeding.want(1, ALL_STRIPES);
    feeding.remoteHas(1, 10);
    feeding.remoteHas(1, -1);
    gain(9);
    expect(allOf(1)).toEqual([9]);
  });
});
