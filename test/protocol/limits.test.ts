// The limits fit together: the largest of every part still fits the whole it travels in.
import { describe, expect, test } from "vitest";
import {
  fleetEventSchema,
  nodeViewSchema,
  publishRequestSchema,
  releaseViewSchema,
  rollbackRequestSchema,
  rolloutRequestSchema,
  rolloutViewSchema,
  statusViewSchema,
} from "../../protocol/api.ts";
import { explanationSchema } from "../../protocol/explain.ts";
import {
  APPS_PER_NODE_MAX,
  ARTIFACT_BYTES_MAX,
  COORDINATOR_FRAME_BYTES_MAX,
  HEARTBEAT_INTERVAL_MS,
  LABELS_MAX,
  MANIFEST_CHARS_MAX,
  NODE_FRAME_BYTES_MAX,
  NODE_LOST_AFTER_MS,
  NODE_OFFLINE_AFTER_MS,
  PIECE_LENGTH_MAX,
  PIECES_MAX,
  TORRENT_INFO_BYTES_MAX,
  TRUSTED_KEYS_MAX,
  VERSIONS_PER_APP_MAX,
} from "../../protocol/limits.ts";
import type { AppState, Hello, NodeMessage } from "../../protocol/messages.ts";
import { coordinatorMessageSchema, nodeMessageSchema } from "../../protocol/messages.ts";
import type { JsonSchema, Schema } from "../../protocol/schema.ts";
import { decodeCoordinatorFrame, decodeNodeFrame, encodeFrame } from "../../protocol/shell/frame.ts";
import { createSigningKey } from "../../protocol/shell/signature.ts";
import { createToken, formatToken } from "../../protocol/shell/token.ts";
import { justBeyond } from "./support/beyond.ts";
import { comparable } from "./support/frames.ts";
import { largestOf } from "./support/largest.ts";

interface Largest {
  readonly kind: string;
  readonly value: unknown;
}

function largestMessages(schema: JsonSchema): readonly Largest[] {
  return (schema.oneOf as readonly JsonSchema[]).map((member) => {
    const value = largestOf(member) as { readonly kind: string };
    return { kind: value.kind, value };
  });
}

const API_SCHEMAS: readonly Schema<unknown>[] = [
  publishRequestSchema,
  rolloutRequestSchema,
  rollbackRequestSchema,
  rolloutViewSchema,
  statusViewSchema,
  nodeViewSchema,
  releaseViewSchema,
  fleetEventSchema,
  explanationSchema,
];

function titleOf({ properties }: JsonSchema): string {
  const fields = properties as Readonly<Record<string, JsonSchema>>;
  return String(fields.kind?.const ?? Object.keys(fields).slice(0, 3).join(", "));
}

/** What a node leaves out of a hello that would be too long. */
function withoutLogTail(app: AppState): AppState {
  if (app.lastOrder?.outcome?.kind !== "failed") return app;
  return { ...app, lastOrder: { ...app.lastOrder, outcome: { ...app.lastOrder.outcome, logTail: [] } } };
}

describe("the largest message from the coordinator fits its frame", () => {
  test.each(largestMessages(coordinatorMessageSchema.json))("$kind", ({ value }) => {
    const frame = encodeFrame(coordinatorMessageSchema.decode(value, ""));
    expect(frame.length).toBeLessThanOrEqual(COORDINATOR_FRAME_BYTES_MAX);
    expect(comparable(decodeCoordinatorFrame(frame))).toEqual(comparable(value));
  });
});

describe("the largest message from a node fits its frame", () => {
  const all = largestMessages(nodeMessageSchema.json);
  const reports = all.filter(({ kind }) => kind !== "hello");
  const hello = nodeMessageSchema.decode(all.find(({ kind }) => kind === "hello")?.value, "") as Hello;

  test.each(reports)("$kind", ({ value }) => {
    const frame = encodeFrame(nodeMessageSchema.decode(value, ""));
    expect(frame.length).toBeLessThanOrEqual(NODE_FRAME_BYTES_MAX);
    expect(comparable(decodeNodeFrame(frame))).toEqual(comparable(value));
  });

  test("hello, without the log tails that a node leaves out when it is too long", () => {
    expect(hello.apps).toHaveLength(APPS_PER_NODE_MAX);
    expect(hello.apps[0]?.installed).toHaveLength(VERSIONS_PER_APP_MAX);
    expect(Object.keys(hello.labels)).toHaveLength(LABELS_MAX);
    const shortened: NodeMessage = { ...hello, apps: hello.apps.map(withoutLogTail) };
    const frame = encodeFrame(shortened);
    expect(frame.length).toBeLessThanOrEqual(NODE_FRAME_BYTES_MAX);
    expect(comparable(decodeNodeFrame(frame))).toEqual(comparable(shortened));
  });

  test("hello, with values and levels to spare even with them", () => {
    expect(comparable(decodeNodeFrame(encodeFrame(hello)))).toEqual(comparable(hello));
  });
});

describe("what is just beyond a range is refused, in every part of", () => {
  const schemas = [coordinatorMessageSchema, nodeMessageSchema, ...API_SCHEMAS];
  const members = schemas.flatMap(({ json }) =>
    Array.isArray(json.oneOf) ? (json.oneOf as JsonSchema[]) : [json],
  );

  test.each(members.map((json) => ({ json, kind: titleOf(json) })))("$kind", ({ json }) => {
    const schema = schemas.find(
      (each) => each.json === json || (each.json.oneOf as JsonSchema[])?.includes(json),
    );
    const whole = largestOf(json, 2);
    expect(schema?.decode(whole, "")).toEqual(whole);
    const beyond = justBeyond(json, whole);
    expect(beyond.length).toBeGreaterThan(0);
    const accepted = beyond.filter(({ value }) => {
      try {
        schema?.decode(value, "");
        return true;
      } catch (error) {
        expect(error).toMatchObject({ name: "DecodeError" });
        return false;
      }
    });
    expect(accepted.map(({ what }) => what)).toEqual([]);
  });
});

test("the longest token fits the hello that carries it", () => {
  const trust = Array.from({ length: TRUSTED_KEYS_MAX }, () => createSigningKey().publicKey);
  const joinToken = formatToken(createToken("node", trust));
  const { properties } = (nodeMessageSchema.json.oneOf as readonly JsonSchema[])[0] as {
    properties: { joinToken: JsonSchema };
  };
  expect(joinToken.length).toBeLessThanOrEqual(
    Number((properties.joinToken.anyOf as JsonSchema[])[0]?.maxLength),
  );
});

test("the torrent of the largest artifact fits, and its arithmetic is exact", () => {
  expect(Math.ceil(ARTIFACT_BYTES_MAX / PIECE_LENGTH_MAX)).toBe(PIECES_MAX);
  expect(TORRENT_INFO_BYTES_MAX).toBeGreaterThan(20 * PIECES_MAX);
  expect(Number.isSafeInteger(ARTIFACT_BYTES_MAX * 1_000)).toBe(true);
});

test("a manifest in the widest letters still leaves room for the torrent beside it", () => {
  expect(3 * MANIFEST_CHARS_MAX + TORRENT_INFO_BYTES_MAX).toBeLessThan(COORDINATOR_FRAME_BYTES_MAX);
});

test("a node is offline only after more than one lost heartbeat, and lost only after it is offline", () => {
  expect(NODE_OFFLINE_AFTER_MS).toBeGreaterThan(2 * HEARTBEAT_INTERVAL_MS);
  expect(NODE_LOST_AFTER_MS).toBeGreaterThan(NODE_OFFLINE_AFTER_MS);
});
