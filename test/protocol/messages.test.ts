// What the fields of messages may hold where a range alone does not say it: names, addresses, labels and outcomes.
import { describe, expect, test } from "vitest";
import {
  appStateSchema,
  coordinatorMessageSchema,
  labelsSchema,
  neighbourSchema,
  nodeMessageSchema,
  outcomeSchema,
} from "../../protocol/messages.ts";
import type { JsonSchema } from "../../protocol/schema.ts";

function kindsOf(schema: JsonSchema): readonly unknown[] {
  return (schema.oneOf as readonly { properties: { kind: JsonSchema } }[]).map(
    ({ properties }) => properties.kind.const,
  );
}

describe("the kinds of messages", () => {
  test("are these: old nodes and coordinators in the field know no others", () => {
    expect(kindsOf(coordinatorMessageSchema.json)).toEqual([
      ...["challenge", "welcome", "refuse", "stage", "go", "pause", "limits", "neighbours", "stop-serving"],
      ...["activate", "deactivate", "inspect"],
    ]);
    expect(kindsOf(nodeMessageSchema.json)).toEqual([
      ...["hello", "heartbeat", "stage-ready", "progress", "verified", "staged", "stage-failed"],
      ...["activating", "activated", "offender", "inspection"],
    ]);
  });

  test("are told apart by direction", () => {
    const both = new Set([...kindsOf(coordinatorMessageSchema.json), ...kindsOf(nodeMessageSchema.json)]);
    expect(both.size).toBe(23);
  });
});

describe("labels", () => {
  const fine: readonly object[] = [
    {},
    { zone: "eu-1" },
    { "team.role": "", A_1: "x y" },
    { constructor: "fine" },
  ];
  const wrong: readonly object[] = [{ "": "x" }, { "1a": "x" }, { "a b": "x" }, { "a=b": "x" }, { a: 1 }];

  test.each(fine)("may be %j", (labels) => {
    expect(labelsSchema.decode(labels, "labels")).toEqual(labels);
  });

  test.each([...wrong, { a: "x".repeat(257) }])("may not be %j", (labels) => {
    expect(() => labelsSchema.decode(labels, "labels")).toThrow(/^labels/);
  });

  test("may not name the prototype", () => {
    expect(() => labelsSchema.decode(JSON.parse('{"__proto__":"x"}'), "labels")).toThrow("a label name");
  });
});

describe("a neighbour", () => {
  const neighbour = { id: "origin", host: "10.0.0.1", port: 7001, dial: true, far: null, feeds: null };

  test.each(["10.0.0.1", "::1", "fe80::1", "node-1.example.org", "a_b"])("may be at %s", (host) => {
    expect(neighbourSchema.decode({ ...neighbour, host }, "")).toEqual({ ...neighbour, host });
  });

  test.each(["", "a b", "http://x", "x/y", "x?y", "x\n", "a".repeat(256), "[::1]"])(
    "may not be at %j",
    (host) => {
      expect(() => neighbourSchema.decode({ ...neighbour, host }, "")).toThrow(/^host/);
    },
  );

  test.each([0, 65_536, 1.5, "7001"])("may not listen on port %j", (port) => {
    expect(() => neighbourSchema.decode({ ...neighbour, port }, "")).toThrow(/^port/);
  });

  test("is near when nothing else is said, as by a coordinator that knows no zones", () => {
    const { far: _, ...said } = neighbour;
    expect(neighbourSchema.decode(said, "")).toEqual(neighbour);
  });

  test("may be far, with a share of the pieces, or none", () => {
    for (const far of [
      { parts: [0, 15], of: 16 },
      { parts: [], of: 1 },
    ])
      expect(neighbourSchema.decode({ ...neighbour, far }, "").far).toEqual(far);
  });

  test.each([
    { parts: [0] },
    { parts: [0], of: 0 },
    { parts: [-1], of: 2 },
    { parts: 1, of: 2 },
    { of: 2 },
    true,
  ])("may not be as far as %j", (far) => {
    expect(() => neighbourSchema.decode({ ...neighbour, far }, "")).toThrow(/^far/);
  });
});

describe("an outcome", () => {
  const failed = { kind: "failed", code: "hook-failed", message: "exit 1", logTail: ["a"], restored: "done" };

  test("of a failure says why, and what is live now", () => {
    expect(outcomeSchema.decode(failed, "")).toEqual(failed);
    for (const name of ["code", "message", "logTail", "restored"])
      expect(() => outcomeSchema.decode({ ...failed, [name]: undefined }, "")).toThrow(
        new RegExp(`^${name}`),
      );
  });

  test("of success says nothing more", () => {
    expect(outcomeSchema.decode({ kind: "healthy", code: "x" }, "")).toEqual({ kind: "healthy" });
  });
});

test("an app may have nothing live, nothing installed and no order", () => {
  const state = { app: "shop", live: null, installed: [], lastOrder: null };
  expect(appStateSchema.decode({ app: "shop", installed: [] }, "")).toEqual(state);
});
