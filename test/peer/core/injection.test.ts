// When an origin that injects repeats a piece: on time alone, without links and sockets.
import { describe, expect, it } from "vitest";
import { geometryOf } from "../../../peer/core/geometry.ts";
import { Injection } from "../../../peer/core/injection.ts";

const FIRST_LINK = 1;
const SECOND_LINK = 2;
const PIECE_BYTES = 16_384;

function origin(pieceCount: number): Injection {
  return new Injection(geometryOf({ length: pieceCount * PIECE_BYTES, pieceLength: PIECE_BYTES }));
}

/** An origin that has sent all of `pieceCount` pieces to the first link, one every `pieceMs`, the last at `now`. */
function allOut(pieceCount: number, pieceMs: number): { injection: Injection; now: number } {
  const injection = origin(pieceCount);
  for (let piece = 0; piece < pieceCount; piece++) {
    injection.admits(piece, FIRST_LINK, piece * pieceMs);
    injection.sent(piece, PIECE_BYTES, (piece + 1) * pieceMs);
  }
  return { injection, now: pieceCount * pieceMs };
}

/** For how long others are turned away from the piece that went out last. */
function turnedAwayMs(pieceCount: number, pieceMs: number): number {
  const { injection, now } = allOut(pieceCount, pieceMs);
  let at = now;
  while (!injection.admits(pieceCount - 1, SECOND_LINK, at)) at += 1;
  return at - now;
}

describe("an origin that has sent everything once", () => {
  it("leaves second copies of a piece to the nodes for as long as fifty pieces took", () => {
    expect(turnedAwayMs(250, 4)).toBe(201);
  });

  it("does so for a tenth of the time that a long release took", () => {
    expect(turnedAwayMs(1_000, 4)).toBe(401);
  });

  it("repeats the pieces of a short release at once, as its nodes lack a large part of it", () => {
    expect(turnedAwayMs(100, 4)).toBe(1);
  });

  it("does so for ten seconds at most, however slow its link is", () => {
    expect(turnedAwayMs(1_000, 4_000)).toBe(10_001);
  });

  it("repeats what went out long ago at once, for nodes that are slower than it", () => {
    const { injection, now } = allOut(1_000, 4);
    expect(injection.admits(800, SECOND_LINK, now)).toBe(true);
    expect(injection.admits(990, SECOND_LINK, now)).toBe(false);
  });

  it("repeats everything at once when a node was lost that got some, as nobody else may have it", () => {
    const { injection, now } = allOut(1_000, 4);
    injection.linkClosed(FIRST_LINK);
    expect(injection.admits(999, SECOND_LINK, now)).toBe(true);
  });

  it("repeats no sooner when who is gone had got nothing", () => {
    const { injection, now } = allOut(1_000, 4);
    injection.linkClosed(SECOND_LINK);
    expect(injection.admits(999, SECOND_LINK, now)).toBe(false);
  });

  it("serves who took a piece first without waiting", () => {
    const { injection, now } = allOut(1_000, 4);
    expect(injection.admits(999, FIRST_LINK, now)).toBe(true);
  });
});

describe("an origin that has not sent everything yet", () => {
  it("turns others away from what somebody took, until nobody asked for a first copy for half a second", () => {
    const injection = origin(10);
    injection.admits(0, FIRST_LINK, 0);
    expect(injection.admits(0, SECOND_LINK, 500)).toBe(false);
    expect(injection.admits(0, SECOND_LINK, 501)).toBe(true);
  });

  it("gives to others what a lost node took and did not get whole", () => {
    const injection = origin(10);
    injection.admits(0, FIRST_LINK, 0);
    injection.sent(0, PIECE_BYTES - 1, 1);
    injection.linkClosed(FIRST_LINK);
    expect(injection.admits(0, SECOND_LINK, 1)).toBe(true);
  });
});
