// The HTTP interface's schemas: they survive JSON, take what the command line sends, and refuse what makes no sense.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as api from "../../protocol/api.ts";
import type { Schema } from "../../protocol/schema.ts";
import { arbitraryOf } from "./support/arbitraries.ts";

const SCHEMAS: Readonly<Record<string, Schema<unknown>>> = {
  publishRequest: api.publishRequestSchema,
  stageRequest: api.stageRequestSchema,
  rolloutRequest: api.rolloutRequestSchema,
  rollbackRequest: api.rollbackRequestSchema,
  pauseRequest: api.pauseRequestSchema,
  limitsRequest: api.limitsRequestSchema,
  limitsView: api.limitsViewSchema,
  releaseView: api.releaseViewSchema,
  nodeView: api.nodeViewSchema,
  rolloutView: api.rolloutViewSchema,
  statusView: api.statusViewSchema,
  fleetEvent: api.fleetEventSchema,
  errorBody: api.errorBodySchema,
  nodesAnswer: api.nodesAnswerSchema,
  releasesAnswer: api.releasesAnswerSchema,
  torrentAnswer: api.torrentAnswerSchema,
};

test("every schema that the interface has is tested here", () => {
  const exported = Object.keys(api).filter((name) => /(Request|View|Event|Body|Answer)Schema$/.test(name));
  const parts = ["rolloutNodeViewSchema"];
  expect(exported.filter((name) => !parts.includes(name)).sort()).toEqual(
    Object.keys(SCHEMAS)
      .map((name) => `${name}Schema`)
      .sort(),
  );
});

describe.each(Object.entries(SCHEMAS))("%s", (_, schema) => {
  test("arrives through JSON as it was sent", () => {
    fc.assert(
      fc.property(arbitraryOf(schema), (sent) => {
        expect(schema.decode(JSON.parse(JSON.stringify(sent)), "body")).toEqual(sent);
      }),
      { numRuns: 30 },
    );
  });

  test("is refused when it is something else", () => {
    for (const other of [null, [], "", 0, true, {}])
      expect(() => schema.decode(other, "body")).toThrow(expect.objectContaining({ name: "DecodeError" }));
  });
});

describe("a rollout request", () => {
  const strategy = { canary: 1, rolling: { kind: "percent", value: 10 }, healthTimeoutMs: 1_000 };
  const request = { app: "shop", version: "v1", strategy };

  test.each<[string, object]>([
    ["no nodes at once", { ...strategy, rolling: { kind: "nodes", value: 0 } }],
    ["more than all nodes", { ...strategy, rolling: { kind: "percent", value: 101 } }],
    ["part of a node", { ...strategy, rolling: { kind: "nodes", value: 1.5 } }],
    ["a share of nothing known", { ...strategy, rolling: { kind: "racks", value: 1 } }],
    ["less than no canary", { ...strategy, canary: -1 }],
    ["no time to become healthy", { ...strategy, healthTimeoutMs: 0 }],
    ["more than an hour to become healthy", { ...strategy, healthTimeoutMs: 3_600_001 }],
  ])("for %s is refused", (_, wrong) => {
    expect(() => api.rolloutRequestSchema.decode({ ...request, strategy: wrong }, "body")).toThrow(
      /^body\.strategy\./,
    );
  });
});

test("the phases a rollout ends in are phases", () => {
  for (const phase of api.ROLLOUT_TERMINAL_PHASES)
    expect(api.rolloutPhaseSchema.decode(phase, "phase")).toBe(phase);
  expect(new Set(api.ROLLOUT_TERMINAL_PHASES).size).toBe(4);
});
