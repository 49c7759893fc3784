// What may be under way on an uplink, whose waits count for it, and that its books always close.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UPLINK_CONFIG, Uplink } from "../../../peer/core/uplink.ts";

const PIECE = 64 * 1024;
const BLOCK = 16 * 1024;

/** Sends whole pieces as a fleet's upload does: none begins on a full path or uplink. */
class Sender {
  readonly uplink = new Uplink(PIECE);
  readonly underWay = new Map<number, number[]>();
  now = 0;
  #nextPiece = 0;

  /** False when there is no room. */
  begin(link: number): boolean {
    if (!this.uplink.hasRoom(link, false)) return false;
    const piece = this.#nextPiece++;
    for (let at = 0; at < PIECE; at += BLOCK) this.uplink.sent({ link, piece, length: BLOCK }, this.now);
    this.underWay.set(link, [...(this.underWay.get(link) ?? []), piece]);
    return true;
  }

  fill(link: number): number {
    let begun = 0;
    while (this.begin(link)) begun += 1;
    return begun;
  }

  /** The oldest piece of the link arrives. */
  acknowledge(link: number): void {
    const piece = this.underWay.get(link)?.shift();
    if (piece !== undefined) this.uplink.acknowledged(link, piece, this.now);
  }

  /** Remotes that a piece could be begun for. */
  room(): number {
    let count = 0;
    while (this.begin(1_000 + count)) count += 1;
    for (let link = 1_000; link < 1_000 + count; link++) {
      this.uplink.linkClosed(link);
      this.underWay.delete(link);
    }
    return count;
  }

  expireAll(): void {
    for (let at = this.uplink.deadline(); at !== null; at = this.uplink.deadline()) {
      this.now = Math.max(this.now, at);
      this.uplink.expire(this.now);
    }
  }

  /** One piece after the other, each in this time. */
  train(link: number, options: { pieceCount: number; tookMs: number }): void {
    for (let count = 0; count < options.pieceCount; count++) {
      expect(this.begin(link)).toBe(true);
      this.now += options.tookMs;
      this.acknowledge(link);
    }
  }
}

const ENDS: readonly (readonly [string, (sender: Sender) => void])[] = [
  [
    "acknowledged",
    (sender) => {
      for (const [link, pieces] of sender.underWay) while (pieces.length > 0) sender.acknowledge(link);
    },
  ],
  [
    "closed",
    (sender) => {
      for (const link of sender.underWay.keys()) sender.uplink.linkClosed(link);
    },
  ],
  ["expired", (sender) => sender.expireAll()],
];

describe("Uplink", () => {
  it("begins with one piece on each path and two in sum", () => {
    const sender = new Sender();
    expect(sender.fill(1)).toBe(1);
    expect(sender.fill(2)).toBe(1);
    expect(sender.fill(3)).toBe(0);
  });

  it("has room again when a piece is acknowledged, and for nothing that was not sent", () => {
    const sender = new Sender();
    sender.fill(1);
    sender.fill(2);
    sender.uplink.acknowledged(1, 77, 5);
    expect(sender.uplink.hasRoom(3, false)).toBe(false);
    sender.now = 10;
    sender.acknowledge(1);
    expect(sender.uplink.hasRoom(3, false)).toBe(true);
    sender.acknowledge(2);
    expect(sender.uplink.deadline()).toBeNull();
  });

  it("puts more on the way when pieces arrive without waiting", () => {
    const sender = new Sender();
    for (let round = 0; round < 20; round++) {
      const begun = sender.fill(1);
      sender.now += 30;
      for (let piece = 0; piece < begun; piece++) sender.acknowledge(1);
    }
    expect(sender.fill(1)).toBeGreaterThan(20);
  });

  it("does not let remotes that are slow themselves keep others waiting", () => {
    const sender = new Sender();
    sender.train(9, { pieceCount: 10, tookMs: 20 });
    for (const slow of [1, 2, 3, 4, 5, 6]) sender.train(slow, { pieceCount: 5, tookMs: 4_000 });
    for (const slow of [1, 2, 3, 4, 5, 6]) expect(sender.fill(slow), `to ${slow}`).toBeGreaterThan(0);
    expect(sender.fill(9), "six slow ones leave room for a fast one").toBeGreaterThan(0);
  });

  it("holds up others for one remote that never acknowledges once, and then no more", () => {
    const sender = new Sender();
    const room = sender.room();
    sender.fill(1);
    expect(sender.room(), "unknown yet: it counts").toBe(room - 1);
    const since = sender.now;
    sender.expireAll();
    expect(sender.now - since).toBe(2_000);
    for (let round = 0; round < 5; round++) {
      expect(sender.fill(1), "its path is used again").toBe(1);
      expect(sender.room(), "for others its silence takes no room").toBe(room);
      sender.expireAll();
    }
  });

  it("counts a remote that was silent again once it acknowledges", () => {
    const sender = new Sender();
    sender.fill(1);
    sender.expireAll();
    sender.underWay.clear();
    sender.fill(1);
    sender.now += 100;
    sender.acknowledge(1);
    const room = sender.room();
    sender.begin(1);
    expect(sender.room()).toBe(room - 1);
  });

  it("waits for the oldest piece at least two seconds, and four times as long as its remote takes", () => {
    const sender = new Sender();
    expect(sender.uplink.deadline()).toBeNull();
    sender.now = 1_000;
    sender.begin(1);
    sender.now = 1_500;
    sender.begin(2);
    expect(sender.uplink.deadline()).toBe(3_000);
    sender.acknowledge(1);
    expect(sender.uplink.deadline()).toBe(3_500);
    sender.now = 2_500;
    sender.acknowledge(2);
    sender.begin(2);
    expect(sender.uplink.deadline()).toBe(2_500 + 4 * 1_000);
    sender.uplink.expire(6_499);
    expect(sender.uplink.deadline()).not.toBeNull();
    sender.uplink.expire(6_500);
    expect(sender.uplink.deadline()).toBeNull();
  });

  it("gives a lost piece up in half a minute, however long its remote took before, as others wait behind it", () => {
    const sender = new Sender();
    for (let count = 0; count < 5; count++) {
      sender.begin(1);
      sender.now += 25_000;
      sender.acknowledge(1);
    }
    sender.begin(1);
    sender.begin(2);
    const since = sender.now;
    sender.expireAll();
    expect(sender.now - since).toBeLessThanOrEqual(30_000);
  });

  it("begins with two pieces for each of two who are fed, so that one is behind the one on the line", () => {
    const sender = new Sender();
    for (const link of [1, 2]) sender.uplink.setFed(link, { isFed: true, isAnyFed: true });
    expect([sender.fill(1), sender.fill(2), sender.fill(3)]).toEqual([2, 2, 0]);
  });

  it("lets one that has fallen behind have a piece more under way than others, on its path and in sum", () => {
    const sender = new Sender();
    for (const link of [1, 2]) sender.uplink.setFed(link, { isFed: true, isAnyFed: true });
    for (const link of [1, 2]) sender.fill(link);
    expect(sender.uplink.hasRoom(1, false)).toBe(false);
    expect(sender.uplink.hasRoom(1, true)).toBe(true);
    sender.uplink.sent({ link: 1, piece: 90, length: PIECE }, sender.now);
    expect(sender.uplink.hasRoom(1, true)).toBe(false);
    expect(sender.uplink.hasRoom(2, true)).toBe(false);
  });

  it("gives what was fed up for lost after half a second, as whoever is gone is fed on", () => {
    const sender = new Sender();
    sender.uplink.setFed(1, { isFed: true, isAnyFed: true });
    sender.train(1, { pieceCount: 2, tookMs: 20 });
    sender.fill(1);
    sender.uplink.expire(sender.now + 499);
    expect(sender.uplink.hasRoom(1, false)).toBe(false);
    sender.uplink.expire(sender.now + 500);
    expect(sender.uplink.hasRoom(1, false)).toBe(true);
  });

  it("never has more on a path or in sum than the window and the last piece, whatever happens", () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 300 }), (steps) => {
        const sender = new Sender();
        for (const step of steps) apply(sender, step);
        const most = UPLINK_CONFIG.bytesMax / PIECE + 1;
        for (const pieces of sender.underWay.values()) expect(pieces.length).toBeLessThanOrEqual(most);
        for (const link of LINKS) sender.fill(link);
        for (const link of LINKS) expect(sender.uplink.hasRoom(link, false), "filling ends").toBe(false);
      }),
    );
  });

  it.each(ENDS)("owes nothing once everything is %s", (_, finish) => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 200 }), (steps) => {
        const sender = new Sender();
        for (const step of steps) apply(sender, step);
        finish(sender);
        expect(sender.uplink.deadline()).toBeNull();
        for (const link of LINKS) expect(sender.uplink.hasRoom(link, false)).toBe(true);
        // An empty window takes two pieces of remotes that nobody knows.
        expect(sender.begin(101) && sender.begin(102)).toBe(true);
      }),
    );
  });
});

const LINKS = [1, 2, 3, 4];

const STEP = fc.record({
  kind: fc.constantFrom("begin", "begin", "begin", "acknowledge", "acknowledge", "close", "expire"),
  link: fc.constantFrom(...LINKS),
  passMs: fc.oneof(fc.nat(60), fc.nat(5_000)),
});

function apply(sender: Sender, { kind, link, passMs }: { kind: string; link: number; passMs: number }): void {
  sender.now += passMs;
  if (kind === "begin") sender.begin(link);
  else if (kind === "acknowledge") sender.acknowledge(link);
  else if (kind === "close") {
    sender.uplink.linkClosed(link);
    sender.underWay.delete(link);
  } else sender.uplink.expire(sender.now);
}
