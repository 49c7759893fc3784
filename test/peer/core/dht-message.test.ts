// Which datagrams the library gets to see, and in what form.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BencodeValue, decodeBencode, encodeBencode, latin1Bytes } from "../../../peer/core/bencode.ts";
import {
  ANSWER_PEERS_MAX,
  DATAGRAM_BYTES_MAX,
  mayContact,
  sanitizeDhtMessage,
} from "../../../peer/core/dht-message.ts";

const ID = latin1Bytes("abcdefghij0123456789");
const KEY = latin1Bytes("mnopqrstuvwxyz123456");
const TOKEN = latin1Bytes("tttttttttttttttttttt");
const context = { key: KEY, port: 7_000 };

type Fields = Readonly<Record<string, BencodeValue>>;

/** The bytes of a message with these fields. */
function messageOf(fields: Fields): Uint8Array {
  return encodeBencode(dictionary(fields));
}

function dictionary(fields: Fields): ReadonlyMap<string, BencodeValue> {
  return new Map(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function query(name: string, fields: Fields): Uint8Array {
  const q = latin1Bytes(name);
  return messageOf({ t: latin1Bytes("aa"), y: latin1Bytes("q"), q, a: dictionary(fields) });
}

function answer(fields: Fields): Uint8Array {
  return messageOf({ t: latin1Bytes("aa"), y: latin1Bytes("r"), r: dictionary(fields) });
}

const announcement = { id: ID, info_hash: KEY, port: 7_000, token: TOKEN };

describe("sanitizeDhtMessage", () => {
  it.each([
    ["ping", query("ping", { id: ID })],
    ["find_node", query("find_node", { id: ID, target: TOKEN })],
    ["get_peers", query("get_peers", { id: ID, info_hash: KEY })],
    ["announce_peer", query("announce_peer", { ...announcement, implied_port: 0 })],
    ["an answer to ping", answer({ id: ID })],
    ["nodes", answer({ id: ID, nodes: new Uint8Array(3 * 26) })],
    ["peers", answer({ id: ID, token: TOKEN, values: [new Uint8Array(6), new Uint8Array(6)] })],
  ])("passes %s as it is", (_, bytes) => {
    expect(sanitizeDhtMessage(bytes, context)).toEqual(bytes);
  });

  it("passes on what it has checked and nothing else", () => {
    const bytes = query("ping", { id: ID, extra: new Map([["deep", [1, 2]]]), salt: 7 });
    expect(sanitizeDhtMessage(bytes, context)).toEqual(query("ping", { id: ID }));
    const implied = query("announce_peer", { ...announcement, implied_port: 1 });
    expect(sanitizeDhtMessage(implied, context)).toEqual(
      query("announce_peer", { ...announcement, implied_port: 0 }),
    );
    const error = messageOf({ t: latin1Bytes("aa"), y: latin1Bytes("e"), e: [201, new Map()] });
    expect(sanitizeDhtMessage(error, context)).toEqual(
      messageOf({ t: latin1Bytes("aa"), y: latin1Bytes("e"), e: [0, latin1Bytes("refused")] }),
    );
  });

  it.each([
    ["an info_hash that is a number", query("get_peers", { id: ID, info_hash: 5 })],
    ["a target that is a number", query("find_node", { id: ID, target: 5 })],
    ["a token that is a number", query("announce_peer", { ...announcement, token: 5 })],
    ["a put", query("put", { id: ID, token: 5, v: latin1Bytes("x") })],
    ["a get", query("get", { id: ID, target: KEY })],
    ["another key", query("get_peers", { id: ID, info_hash: ID })],
    ["a short key", query("get_peers", { id: ID, info_hash: KEY.subarray(1) })],
    ["another port than its own", query("announce_peer", { ...announcement, port: 22 })],
    ["a query without an id", query("ping", {})],
    ["an id that is a list", query("ping", { id: [ID] })],
    ["an id that is too long", query("ping", { id: new Uint8Array(21) })],
    ["an answer without an id", answer({})],
    ["half a node", answer({ id: ID, nodes: new Uint8Array(25) })],
    ["more nodes than a bucket", answer({ id: ID, nodes: new Uint8Array(21 * 26) })],
    ["nodes that are a list", answer({ id: ID, nodes: [] })],
    ["peers that are a string", answer({ id: ID, values: new Uint8Array(6) })],
    ["peers of IPv6", answer({ id: ID, values: [new Uint8Array(18)] })],
    ["a token that is a dictionary", answer({ id: ID, token: new Map() })],
    ["no arguments", messageOf({ t: latin1Bytes("aa"), y: latin1Bytes("q"), q: latin1Bytes("ping") })],
    ["no transaction", messageOf({ y: latin1Bytes("r"), r: dictionary({ id: ID }) })],
    ["a transaction that is a number", messageOf({ t: 5, y: latin1Bytes("r"), r: dictionary({ id: ID }) })],
    ["a kind that is a number", messageOf({ t: latin1Bytes("aa"), y: 5 })],
    ["an unknown kind", messageOf({ t: latin1Bytes("aa"), y: latin1Bytes("x") })],
    ["a list", encodeBencode([1])],
    ["what is no bencoding", latin1Bytes("GET / HTTP/1.1")],
  ])("refuses %s", (_, bytes) => {
    expect(sanitizeDhtMessage(bytes, context)).toBeNull();
  });

  it("survives any bytes", () => {
    const parts = fc.constantFrom(
      "d",
      "l",
      "e",
      "i5e",
      "1:a",
      "1:q",
      "1:t",
      "2:aa",
      "1:y",
      "2:id",
      "20:",
      "-",
    );
    const noise = fc.array(parts, { maxLength: 30 }).map((list) => latin1Bytes(list.join("")));
    fc.assert(
      fc.property(fc.oneof(noise, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        const clean = sanitizeDhtMessage(bytes, context);
        if (clean !== null) expect(decodeBencode(clean)).toBeInstanceOf(Map);
      }),
    );
  });

  it("lets the fullest answer through, which fits a datagram", () => {
    const values = Array.from({ length: ANSWER_PEERS_MAX }, () => new Uint8Array(6));
    const full = answer({ id: ID, token: TOKEN, values });
    expect(sanitizeDhtMessage(full, context)).toEqual(full);
    expect(full.length).toBeLessThan(DATAGRAM_BYTES_MAX - 28);
    expect(
      sanitizeDhtMessage(answer({ id: ID, values: [...values, new Uint8Array(6)] }), context),
    ).toBeNull();
  });
});

describe("mayContact", () => {
  const remote = { loopback: false };

  it("goes to any machine", () => {
    expect(mayContact({ host: "10.1.2.3", port: 1 }, remote)).toBe(true);
    expect(mayContact({ host: "223.255.255.255", port: 65_535 }, remote)).toBe(true);
  });

  it("goes to its own machine only where the fleet lives on it", () => {
    expect(mayContact({ host: "127.0.0.1", port: 80 }, remote)).toBe(false);
    expect(mayContact({ host: "127.0.0.1", port: 80 }, { loopback: true })).toBe(true);
  });

  it.each([
    ["0.0.0.0", 80],
    ["224.0.0.1", 80],
    ["255.255.255.255", 80],
    ["10.0.0.1", 0],
    ["10.0.0.1", 65_536],
    ["10.0.0.1", 1.5],
    ["10.0.0", 80],
    ["10.0.0.256", 80],
    ["10.0.0.0x1", 80],
    ["host.example", 80],
    ["::1", 80],
  ])("does not go to %s port %d", (host, port) => {
    expect(mayContact({ host, port }, { loopback: true })).toBe(false);
  });
});
