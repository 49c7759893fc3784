// The HTML report says what came out, is safe to open, and needs nothing but itself.
import { describe, expect, test } from "vitest";
import { NOT_MODELLED } from "../../../sim/core/not-modelled.ts";
import { type Ink, PALETTE, RAMP } from "../../../sim/shell/palette.ts";
import { reportHtml } from "../../../sim/shell/report.ts";
import { reportData, sizeResult } from "../support/report-data.ts";

const RESULTS = `{"kind":"sim-results","name":"Zürich"}\n`;
const html = reportHtml(reportData(), RESULTS);

/** What a reader sees, tags and charts left out. */
function proseOf(source: string): string {
  const body = source.slice(source.indexOf("<body>")).replace(/<svg[\s\S]*?<\/svg>/g, "");
  return body.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
}

test("begins with the finding in one sentence", () => {
  expect(proseOf(html)).toContain(
    "two-sites 10,000 nodes have 1 GiB after 9.63 s : 1.04 times the least time possible. " +
      "Were each to fetch it from the origin, it would take 8,926 times as long.",
  );
  expect(html).toContain("<title>two-sites: 10,000 nodes have 1 GiB after 9.63 s</title>");
});

test("has a row for each fleet size, and says which bound it is and why", () => {
  const rows = [...html.matchAll(/<tr>(<th scope="row">.*?)<\/tr>/g)].map(([, row = ""]) =>
    row.split(/<[^>]+>/).filter((cell) => cell !== ""),
  );
  expect(rows).toHaveLength(4);
  expect(rows[2]).toEqual([
    ...["1,000", "9.46 s", "1.04", "9.10 s (B4)", "9.10 s", "9.37 s", "1.02 ×", "2 h 23 min", "1 min 26 s"],
  ]);
  expect(proseOf(html)).toContain("B4, a node can pass on a piece only when it has it");
  expect(proseOf(html)).toContain("the median of 3 seeds");
});

test("has every chart wide and narrow, with its caption", () => {
  expect(html.match(/<svg /g)).toHaveLength(8);
  expect(html.match(/<figcaption>/g)).toHaveLength(4);
});

test("says what was simulated, how to repeat it and what is not modelled", () => {
  const prose = proseOf(html);
  expect(prose).toContain("artifact 1GiB in 512 pieces");
  expect(prose).toContain(
    "fleet 1.2.3 gives the same numbers again, on every machine: fleet sim run --nodes 10,100,",
  );
  for (const line of NOT_MODELLED) expect(html).toContain(line.replaceAll("'", "&#39;"));
});

test("keeps the results in it, to be saved", () => {
  const [, encoded = ""] = /href="data:application\/json;base64,([^"]*)"/.exec(html) ?? [];
  expect(Buffer.from(encoded, "base64").toString("utf8")).toBe(RESULTS);
});

test("is the same text for the same results", () => {
  expect(reportHtml(reportData(), RESULTS)).toBe(html);
});

test("runs nothing and asks for nothing", () => {
  expect(html).not.toMatch(/<script|<iframe|<object|<embed|<link|<img|<base|\son\w+=|javascript:/i);
  expect(html).not.toMatch(/https?:|@import|url\((?!#)/i);
  expect([...html.matchAll(/(?:href|src)="([^",]*)/g)].map(([, target]) => target)).toEqual([
    "data:application/json;base64",
  ]);
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
});

test("repeats no id", () => {
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(0);
  expect(new Set(ids).size).toBe(ids.length);
});

test("is dark on a dark screen, charts included, and never on paper", () => {
  const style = html.slice(html.indexOf("<style>"), html.indexOf("</style>"));
  const [before = "", rest = ""] = style.split("@media screen and (prefers-color-scheme:dark){\n");
  const end = rest.indexOf("\n}\n");
  const [dark, after] = [rest.slice(0, end), rest.slice(end)];
  for (const { light, dark: exchanged } of [...Object.values<Ink>(PALETTE), ...RAMP]) {
    expect(dark).toContain(
      `svg [fill="${light}"]{fill:${exchanged}}svg [stroke="${light}"]{stroke:${exchanged}}`,
    );
    expect(before + after).not.toContain(exchanged);
  }
});

test("no two inks are alike, so that each has one dark counterpart", () => {
  const lights = [...Object.values<Ink>(PALETTE), ...RAMP].map(({ light }) => light);
  expect(new Set(lights).size).toBe(lights.length);
});

describe("text of users", () => {
  const hostile = `</style><script>alert("1")</script><img src=x onerror='f()'>&\u202e\u0000`;
  const data = reportData({
    title: hostile,
    facts: [{ label: hostile, value: hostile }],
    version: hostile,
    command: hostile,
    expectations: [{ text: hostile, ok: false }],
    violations: [hostile],
    sizes: [sizeResult(10, { boundId: hostile })],
  });
  const attacked = reportHtml(data, hostile);

  test("is shown as it is and does nothing", () => {
    expect(attacked).not.toMatch(/<script|<img|<\/style><|\u202e|\u0000/);
    const shown =
      "&lt;/style&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=x onerror=&#39;f()&#39;&gt;&amp;";
    // Title and heading, label and value, version, command, expectation, violation, bound.
    expect(attacked.split(shown)).toHaveLength(9 + 1);
  });
});

test("says which expectations were missed", () => {
  const met = { text: "lastOverBound <= 1.05", ok: true };
  const missed = { text: "originBytesOverSize <= 1.01", ok: false };
  expect(proseOf(reportHtml(reportData({ expectations: [met] }), ""))).toContain(
    "All is as expected ✓ met lastOver",
  );
  const prose = proseOf(reportHtml(reportData({ expectations: [met, missed] }), ""));
  expect(prose).toContain("1 of 2 expectations missed");
  expect(prose).toContain("✗ missed originBytesOverSize &lt;= 1.01");
});

test("warns before all numbers when they cannot be believed", () => {
  const prose = proseOf(
    reportHtml(reportData({ violations: ["10 nodes, seed 1: faster than its bound"] }), ""),
  );
  expect(prose).toContain("cannot be believed");
  expect(prose.indexOf("faster than its bound")).toBeLessThan(prose.indexOf("Results"));
  expect(proseOf(html)).not.toContain("cannot be believed");
});

test("says so when no node finished", () => {
  const prose = proseOf(reportHtml(reportData({ sizes: [] }), RESULTS));
  expect(prose).toContain("no node finished");
  expect(prose).toContain("What was simulated");
});

test("a way that never ends is told as such", () => {
  const sizes = [
    sizeResult(10, { treeSeconds: Number.POSITIVE_INFINITY, clientServerSeconds: Number.POSITIVE_INFINITY }),
  ];
  const prose = proseOf(reportHtml(reportData({ sizes }), RESULTS));
  expect(prose).toContain("never");
  expect(prose).not.toMatch(/Infinity|NaN|undefined/);
});
