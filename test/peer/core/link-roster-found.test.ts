// Whom a node dials that it found while the coordinator is away, and which of two links stays.
import { describe, expect, it } from "vitest";
import type { RosterEffect } from "../../../peer/core/roster-events.ts";
import { accepted, Bench, HOST, neighbour } from "./roster-bench.ts";

describe("createRoster, with nodes found while the coordinator is away", () => {
  const found = (index: number) => ({ host: `10.0.1.${index}`, port: 7_000 });
  const nameOf = (index: number) => `found 10.0.1.${index}:7000`;
  const dialOf = (index: number): RosterEffect => ({
    kind: "dial",
    neighbour: { id: nameOf(index), ...found(index), dial: true, far: null, feeds: null },
  });
  const foundAnswers = (bench: Bench, link: number, index: number, id: string | null) =>
    bench.send({ kind: "dialled", link, neighbourId: nameOf(index), id });

  function lonely(...indexes: number[]): Bench {
    const bench = new Bench();
    bench.list(neighbour("b", false));
    bench.send({ kind: "found", contacts: indexes.map(found) });
    return bench;
  }

  it("dials them and takes what they do as done by their address", () => {
    const bench = new Bench();
    bench.list();
    expect(bench.send({ kind: "found", contacts: [found(1)] })).toEqual([dialOf(1)]);
    expect(foundAnswers(bench, 1, 1, "z")).toEqual([accepted(1, "address 10.0.1.1")]);
    bench.send({ kind: "banned", source: "address 10.0.1.1" });
    bench.send({ kind: "closed", link: 1 });
    bench.wait();
    expect(foundAnswers(bench, 2, 1, "z")[0]).toMatchObject({ kind: "refuse", reason: "is banned" });
    expect(bench.send({ kind: "found", contacts: [found(1)] })).toEqual([]);
  });

  it("does not dial a neighbour a second time because it was found as well", () => {
    const bench = new Bench();
    bench.list(neighbour("a", true, 7_000));
    expect(bench.send({ kind: "found", contacts: [{ host: HOST, port: 7_000 }] })).toEqual([]);
  });

  it("refuses itself, the origin's name, a stock client and a linked neighbour, once and for all", () => {
    const bench = lonely(1, 2, 3, 4);
    bench.arrive(1, "b", HOST);
    for (const [index, id] of ["me", "origin", null, "b"].entries())
      expect(foundAnswers(bench, 10 + index, index + 1, id)[0]?.kind).toBe("refuse");
    expect(bench.deadline).toBeNull();
  });

  it("leaves a neighbour's place to whoever comes from where that neighbour lives", () => {
    const bench = lonely(1);
    expect(foundAnswers(bench, 1, 1, "b")).toEqual([accepted(1, "address 10.0.1.1")]);
    expect(bench.arrive(2, "b", HOST)).toEqual([accepted(2, "node b")]);
  });

  it("keeps one of two links when two nodes find each other at once, and both keep the same", () => {
    // Its own id is "me": it is the larger one here, and the smaller one there.
    const larger = lonely(1);
    larger.arrive(1, "a", "10.0.1.1");
    expect(foundAnswers(larger, 2, 1, "a")).toEqual([
      { kind: "refuse", link: 2, reason: "is linked already" },
    ]);
    const smaller = lonely(1);
    smaller.arrive(1, "z", "10.0.1.1");
    expect(foundAnswers(smaller, 2, 1, "z")).toEqual([
      { kind: "close", link: 1, reason: "both sides dialled" },
      accepted(2, "address 10.0.1.1"),
    ]);
  });

  it("decides the same when its own dial was answered first", () => {
    const larger = lonely(1);
    foundAnswers(larger, 1, 1, "a");
    expect(larger.arrive(2, "a", "10.0.1.1")).toEqual([
      { kind: "close", link: 1, reason: "replaced by a newer link" },
      accepted(2, "address 10.0.1.1"),
    ]);
    const smaller = lonely(1);
    foundAnswers(smaller, 1, 1, "z");
    expect(smaller.arrive(2, "z", "10.0.1.1")[0]).toMatchObject({ kind: "refuse" });
  });

  it("keeps a link that works when the other end is found only later", () => {
    const bench = lonely();
    bench.arrive(1, "z", "10.0.1.1");
    bench.now += 60_000;
    bench.send({ kind: "found", contacts: [found(1)] });
    expect(foundAnswers(bench, 2, 1, "z")[0]).toMatchObject({ kind: "refuse" });
  });

  it("dials nobody it found once there is a list again, and keeps the links it has", () => {
    const bench = lonely(1, 2);
    foundAnswers(bench, 1, 1, "z");
    expect(bench.list(neighbour("b", false))).toEqual([]);
    expect(foundAnswers(bench, 2, 2, "y")[0]?.kind).toBe("refuse");
    bench.send({ kind: "closed", link: 1 });
    expect(bench.deadline).toBeNull();
  });

  it("dials nobody it found once it is told so", () => {
    const bench = lonely(1);
    bench.send({ kind: "dial-failed", neighbourId: nameOf(1) });
    expect(bench.deadline).not.toBeNull();
    bench.send({ kind: "forget-found" });
    expect(bench.deadline).toBeNull();
  });

  it("lets strangers in beside those it has found", () => {
    const bench = lonely(1);
    foundAnswers(bench, 1, 1, "z");
    const kinds = Array.from(
      { length: 4 },
      (_, index) => bench.arrive(10 + index, null, "10.0.1.1")[0]?.kind,
    );
    expect(kinds).toEqual(["accept", "accept", "accept", "accept"]);
  });
});
