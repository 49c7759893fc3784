// Server-sent events, cut at every place.
// Server-Sent Events out of bytes, however these are cut.
import { describe, expect, it } from "vitest";
import { createSseParser, type ServerEvent } from "../../../cli/http/sse.ts";

const STREAM =
  ': hello\n\nevent: rollout\ndata: {"a":1}\n\nid: 7\nevent: history\ndata: one\ndata:two\n\n' +
  "data: plain\n\nretry: 5\n\n";
const EVENTS: readonly ServerEvent[] = [
  { event: "rollout", data: '{"a":1}', id: "" },
  { event: "history", data: "one\ntwo", id: "7" },
  { event: "message", data: "plain", id: "7" },
];

describe("server-sent events", () => {
  it("are the same however the stream is cut, and with any line ending", () => {
    for (const stream of [STREAM, STREAM.replaceAll("\n", "\r\n"), STREAM.replaceAll("\n", "\r")])
      for (let size = 1; size <= stream.length; size += 1) {
        const parser = createSseParser({ charsMax: 1_000 });
        const chunks = stream.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
        expect(chunks.flatMap((chunk) => parser.push(chunk))).toEqual(EVENTS);
      }
  });

  it("that never end are refused, in one line or in many", () => {
    const oneLine = createSseParser({ charsMax: 100 });
    expect(() => oneLine.push(`data: ${"x".repeat(200)}`)).toThrow(RangeError);
    const manyLines = createSseParser({ charsMax: 100 });
    const pushAll = () => {
      for (let line = 0; line < 50; line += 1) manyLines.push("data: 12345\n");
    };
    expect(pushAll).toThrow(RangeError);
  });
});
