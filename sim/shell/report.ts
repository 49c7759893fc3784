// The report of `fleet sim run`: one HTML file that needs nothing else, on screen and on paper.
// Holds no script and asks for nothing over a network; no text of a user gets into it unescaped.
import { Buffer } from "node:buffer";
import { NOT_MODELLED } from "../core/not-modelled.ts";
import type { ReportData } from "../core/report-data.ts";
import { type Chart, chartsOf } from "./charts.ts";
import { formatBytes, formatNodes, formatRatio, formatSeconds } from "./figures.ts";
import { escapeText } from "./markup.ts";
import { REPORT_STYLE } from "./report-style.ts";
import { resultsTable } from "./report-table.ts";

/** Even if something were to slip in, a browser would load nothing and run nothing. */
const CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** A whole document. `resultsJson` is kept in it, to be saved from there. */
export function reportHtml(data: ReportData, resultsJson: string): string {
  const parts = [
    header(data),
    warning(data),
    expectations(data),
    results(data, resultsJson),
    `<div class="charts">\n${chartsOf(data).map(figure).join("\n")}\n</div>`,
    scenario(data),
    section("Repeat it", repeat(data)),
    section(
      "What is not modelled",
      `<ul>${NOT_MODELLED.map((line) => `<li>${escapeText(line)}</li>`).join("\n")}</ul>`,
    ),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}">
<meta name="color-scheme" content="light dark">
<title>${escapeText(`${data.title}: ${findingOf(data)}`)}</title>
<style>
${REPORT_STYLE}
</style>
</head>
<body>
<main>
${parts.filter((part) => part !== "").join("\n")}
</main>
</body>
</html>
`;
}

/** `10,000 nodes have 1 GiB after 9.21 s`. */
function findingOf({ sizes, artifactBytes }: ReportData): string {
  const last = sizes.at(-1);
  if (last === undefined) return "no node finished";
  const who = `${formatNodes(last.nodes)} ${last.nodes === 1 ? "has" : "have"}`;
  return `${who} ${formatBytes(artifactBytes)} after ${formatSeconds(last.lastSeconds)}`;
}

function header(data: ReportData): string {
  return `<header>
<p class="kind">Simulated distribution</p>
<h1>${escapeText(data.title)}</h1>
<p class="finding"><strong>${escapeText(findingOf(data))}</strong>${escapeText(comparison(data))}</p>
</header>`;
}

function comparison({ sizes }: ReportData): string {
  const last = sizes.at(-1);
  if (last === undefined) return ".";
  const sooner = last.clientServerSeconds / last.lastSeconds;
  const alone = Number.isFinite(sooner)
    ? ` Were each to fetch it from the origin, it would take ${formatRatio(sooner)} times as long.`
    : "";
  return `: ${formatRatio(last.lastOverBound)} times the least time possible.${alone}`;
}

function warning({ violations }: ReportData): string {
  if (violations.length === 0) return "";
  const lines = violations.map((violation) => `<li>${escapeText(violation)}</li>`).join("\n");
  return `<section class="warning" role="alert">
<h2>These numbers cannot be believed</h2>
<p>The simulator, or what it runs, is wrong:</p>
<ul>${lines}</ul>
</section>`;
}

function expectations({ expectations: all }: ReportData): string {
  if (all.length === 0) return "";
  const missed = all.filter(({ ok }) => !ok).length;
  const heading = missed === 0 ? "All is as expected" : `${missed} of ${all.length} expectations missed`;
  const lines = all.map(({ text, ok }) => {
    const [name, sign] = ok ? ["met", "✓"] : ["missed", "✗"];
    return `<li class="${name}"><b>${sign} ${name}</b> <code>${escapeText(text)}</code></li>`;
  });
  return section(heading, `<ul class="expectations">${lines.join("\n")}</ul>`);
}

function results(data: ReportData, resultsJson: string): string {
  if (data.sizes.length === 0) return "";
  const encoded = Buffer.from(resultsJson, "utf8").toString("base64");
  const target = `download="results.json" href="data:application/json;base64,${encoded}"`;
  return section(
    "Results",
    `${resultsTable(data)}\n<p class="save"><a ${target}>Save the numbers as results.json</a></p>`,
  );
}

function figure(chart: Chart): string {
  return `<figure>
<h2>${escapeText(chart.title)}</h2>
<div class="wide">${withoutNamespaces(chart.draw("wide"))}</div>
<div class="narrow">${withoutNamespaces(chart.draw("narrow"))}</div>
<figcaption>${escapeText(chart.caption)}</figcaption>
</figure>`;
}

/** HTML knows what an SVG is, and a page that asks for nothing had better not look as if it did. */
function withoutNamespaces(svg: string): string {
  return svg.replace(/ xmlns(?::\w+)?="[^"]*"/g, "");
}

function scenario({ facts }: ReportData): string {
  const rows = facts.map(
    ({ label, value }) => `<div><dt>${escapeText(label)}</dt><dd>${escapeText(value)}</dd></div>`,
  );
  return section("What was simulated", `<dl>${rows.join("\n")}</dl>`);
}

function repeat({ command, version }: ReportData): string {
  return `<p>fleet ${escapeText(version)} gives the same numbers again, on every machine:</p>
<pre><code>${escapeText(command)}</code></pre>`;
}

function section(heading: string, content: string): string {
  return `<section>\n<h2>${escapeText(heading)}</h2>\n${content}\n</section>`;
}
