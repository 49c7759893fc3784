// Labels in hook arguments and probe addresses.
import { expect, test } from "vitest";
import { checkPlaceholders, fillPlaceholders } from "../../../peer/core/placeholders.ts";
import { manifestOf } from "../releases.ts";

test("labels are filled in wherever they stand", () => {
  const labels = { port: "8080", zone: "b" };
  expect(fillPlaceholders("http://127.0.0.1:{label.port}/{label.zone}", labels, "a probe")).toBe(
    "http://127.0.0.1:8080/b",
  );
});

test("a label's own text is never filled in again", () => {
  expect(fillPlaceholders("{label.a}", { a: "{label.b}", b: "x" }, "a probe")).toBe("{label.b}");
  expect(fillPlaceholders("{label.a}", { a: "$& $1" }, "a probe")).toBe("$& $1");
});

test.each(["port", "constructor", "__proto__", ""])(
  "an unknown label %j is named with who asks for it",
  (label) => {
    expect(() => fillPlaceholders(`{label.${label}}`, {}, "an http probe")).toThrow(
      `this node has no label "${label}", which an http probe asks for`,
    );
  },
);

test("braces that are no placeholder stay as they are", () => {
  expect(fillPlaceholders('{"a":{}} {label}', {}, "a probe")).toBe('{"a":{}} {label}');
});

test("a release is checked in all its hooks and probes", () => {
  const ok = { argv: ["x"], timeoutMs: 1 };
  const bad = { argv: ["x", "{label.nope}"], timeoutMs: 1 };
  expect(() => checkPlaceholders(manifestOf("v1", { hooks: { postActivate: ok } }), {})).not.toThrow();
  expect(() => checkPlaceholders(manifestOf("v1", { hooks: { postActivate: bad } }), {})).toThrow(
    "postActivate",
  );
  expect(() => checkPlaceholders(manifestOf("v1", { hooks: { preActivate: bad } }), {})).toThrow(
    "preActivate",
  );
  for (const probe of [
    { kind: "http", url: "http://{label.nope}", expectStatus: 200 },
    { kind: "tcp", address: "{label.nope}:1" },
    { kind: "exec", argv: ["{label.nope}"] },
  ] as const) {
    const manifest = manifestOf("v1", { health: { probes: [probe] } });
    expect(() => checkPlaceholders(manifest, {})).toThrow(probe.kind);
  }
});
