// What the charts of a report show, and that each is an SVG which stands for itself.
import { describe, expect, test } from "vitest";
import type { SizeResult } from "../../../sim/core/report-data.ts";
import { availabilityPlot } from "../../../sim/shell/chart-plots.ts";
import { type Chart, chartsOf, type View } from "../../../sim/shell/charts.ts";
import { type Ink, PALETTE, RAMP } from "../../../sim/shell/palette.ts";
import { reportData, sizeResult } from "../support/report-data.ts";
import { allElements, type Element, parseXml } from "../support/xml.ts";

const VIEWS: readonly View[] = ["file", "wide", "narrow"];
const IDS = ["time-by-size", "completion", "origin-load", "availability"];
const charts = chartsOf(reportData());
const drawings = charts.flatMap((chart) => VIEWS.map((view) => [chart.id, view, chart.draw(view)] as const));

function chartOf(id: string, sizes: readonly SizeResult[]): Chart {
  const chart = chartsOf(reportData({ sizes })).find((each) => each.id === id);
  if (chart === undefined) throw new Error(`no chart ${id}`);
  return chart;
}

function drawn(id: string, sizes: readonly SizeResult[] = reportData().sizes): Element {
  return parseXml(chartOf(id, sizes).draw("wide"));
}

function textsOf(root: Element): readonly string[] {
  return allElements(root)
    .filter(({ name }) => name === "text")
    .map(({ text }) => text);
}

/** Lines of the data, which are cut off at the edges of the plot, unlike axes and legends. */
function curvesIn(root: Element, ink: Ink): readonly Element[] {
  return allElements(root)
    .filter(({ name, attributes }) => name === "g" && attributes.has("clip-path"))
    .flatMap(allElements)
    .filter(({ name, attributes }) => name === "path" && attributes.get("stroke") === ink.light);
}

test("there are four, each with a title and a sentence on what to see", () => {
  expect(charts.map(({ id }) => id)).toEqual(IDS);
  for (const { title, caption } of charts) expect(`${title}: ${caption}`).toMatch(/^[A-Z].+: .+\.$/);
});

test("there are none when no node of any fleet finished", () => {
  expect(chartsOf(reportData({ sizes: [] }))).toEqual([]);
});

describe.each(drawings)("%s as %s", (id, view, svg) => {
  const root = parseXml(svg);
  const elements = allElements(root);

  test("is well-formed, of the size of its view, and says in words what it shows", () => {
    expect(root.name).toBe("svg");
    expect(root.attributes.get("viewBox")).toMatch(view === "narrow" ? /^0 0 350 \d+$/ : /^0 0 640 \d+$/);
    const words = root.children.slice(0, 2).map(({ name, text }) => [name, text]);
    const chart = charts.find((each) => each.id === id);
    expect(words).toEqual([
      ["title", chart?.title],
      ["desc", chart?.caption],
    ]);
  });

  test("holds nothing that runs, moves or is fetched", () => {
    const names = new Set(elements.map(({ name }) => name));
    expect([...names].sort()).toEqual(
      ["clipPath", "defs", "desc", "g", "path", "rect", "svg", "text", "title"].filter((name) =>
        names.has(name),
      ),
    );
    const attributes = elements.flatMap((element) => [...element.attributes]);
    const suspicious = attributes.filter(
      ([name, value]) => /^on|href|class|^ecmeta/.test(name) || /url\((?!#)/.test(value),
    );
    expect(suspicious).toEqual([]);
  });

  test("has colours only that a dark screen knows to exchange", () => {
    const known = [...Object.values<Ink>(PALETTE), ...RAMP].map(({ light }) => light);
    const shown = elements.filter(({ name }) => name === "text" || name === "path" || name === "rect");
    const inDefinitions = new Set(elements.filter(({ name }) => name === "clipPath").flatMap(allElements));
    const colours = shown
      .filter((element) => !inDefinitions.has(element))
      .flatMap(({ attributes }) => [
        attributes.get("fill-opacity") === "0" ? undefined : attributes.get("fill"),
        attributes.get("stroke-width") === "0" ? undefined : attributes.get("stroke"),
      ]);
    expect(
      colours.filter((colour) => colour !== undefined && colour !== "none" && !known.includes(colour)),
    ).toEqual([]);
  });

  test("cuts no word off and writes none over another", () => {
    const width = Number(root.attributes.get("width"));
    const boxes = elements.filter(({ name }) => name === "text").map(boxOf);
    expect(boxes.filter(({ left, right }) => left < 0 || right > width)).toEqual([]);
    const overlaps = boxes.flatMap((a, index) =>
      boxes.slice(index + 1).flatMap((b) => (overlap(a, b) ? [`${a.text} / ${b.text}`] : [])),
    );
    expect(overlaps).toEqual([]);
  });
});

interface Box {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly middle: number;
}

/** Where a text lies, with letters of 6 px. */
function boxOf({ text, attributes }: Element): Box {
  const [, shiftX = "0", shiftY = "0"] =
    /translate\((-?[\d.]+)[ ,]+(-?[\d.]+)/.exec(attributes.get("transform") ?? "") ?? [];
  const x = Number(shiftX) + Number(attributes.get("x") ?? 0);
  const width = text.length * 6;
  const before = { start: 0, middle: width / 2, end: width }[attributes.get("text-anchor") ?? "start"] ?? 0;
  const middle = Number(shiftY) + Number(attributes.get("y") ?? 0);
  return { text, left: x - before, right: x - before + width, middle };
}

/** Small letters are about 9 px high. */
function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && Math.abs(a.middle - b.middle) < 9;
}

test("drawing again gives the same text, whatever was drawn in between", () => {
  for (const [id, view, svg] of drawings.toReversed()) {
    expect(charts.find((chart) => chart.id === id)?.draw(view)).toBe(svg);
  }
});

test("no two drawings share an id, so that all can stand on one page", () => {
  const ids = drawings.flatMap(([, , svg]) => [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id));
  expect(ids.length).toBeGreaterThan(0);
  expect(new Set(ids).size).toBe(ids.length);
});

test("only the file has its title written in it and a ground of its own", () => {
  const chart = chartOf("time-by-size", reportData().sizes);
  expect(textsOf(parseXml(chart.draw("file")))).toContain(chart.title);
  expect(textsOf(parseXml(chart.draw("wide")))).not.toContain(chart.title);
  expect(chart.draw("file")).toContain(`fill="${PALETTE.paper.light}"`);
  expect(chart.draw("wide")).not.toContain(
    `<rect width="640" height="340" x="0" y="0" fill="${PALETTE.paper.light}"`,
  );
});

describe("time by fleet size", () => {
  test("has a line for the swarm, the bound, the origin alone and the tree, each named where it ends", () => {
    const root = drawn("time-by-size");
    for (const ink of [PALETTE.swarm, PALETTE.bound, PALETTE.originAlone, PALETTE.tree]) {
      expect(curvesIn(root, ink)).toHaveLength(1);
    }
    const texts = textsOf(root);
    for (const [name, time] of [
      ["origin alone", "23 h 53 min"],
      ["binary tree", "2 min"],
      ["swarm", "9.63 s"],
      ["bound", "9.26 s"],
    ]) {
      expect(texts).toContain(name);
      expect(texts).toContain(time);
    }
  });

  test("is marked at the sizes that were simulated, and at round times", () => {
    const texts = textsOf(drawn("time-by-size"));
    for (const tick of ["10", "100", "1,000", "10,000", "10 s", "1 min", "10 min", "1 h", "10 h"]) {
      expect(texts).toContain(tick);
    }
    expect(texts).toContain("time (logarithmic)");
  });

  test("counts times from zero when they are of one order", () => {
    const texts = textsOf(drawn("time-by-size", [sizeResult(2), sizeResult(4)]));
    expect(texts).toContain("time");
    expect(texts).toContain("0");
  });

  test("has no tree where a tree would never end", () => {
    const never = { treeSeconds: Number.POSITIVE_INFINITY };
    const root = drawn("time-by-size", [sizeResult(10, never), sizeResult(100, never)]);
    expect(curvesIn(root, PALETTE.tree)).toEqual([]);
    expect(curvesIn(root, PALETTE.swarm)).toHaveLength(1);
    expect(textsOf(root)).not.toContain("binary tree");
  });

  test("shows a single fleet size as points", () => {
    const root = drawn("time-by-size", [sizeResult(500)]);
    expect(textsOf(root)).toEqual(
      expect.arrayContaining(["500", "swarm", "bound", "origin alone", "binary tree"]),
    );
    expect(chartOf("time-by-size", [sizeResult(500)]).caption).not.toContain("From 500");
  });
});

describe("nodes that have it, over time", () => {
  test("has a line and a name for each fleet size, and is counted in bounds", () => {
    const root = drawn("completion");
    expect(RAMP.flatMap((ink) => curvesIn(root, ink))).toHaveLength(4);
    expect(textsOf(root)).toEqual(
      expect.arrayContaining(["10", "100", "1,000", "10,000 nodes", "1 = bound", "100 %"]),
    );
  });

  test("shows at most six sizes, the smallest and the largest among them", () => {
    const sizes = [10, 20, 50, 100, 200, 500, 1000, 2000].map((nodes) => sizeResult(nodes));
    const root = drawn("completion", sizes);
    expect(RAMP.flatMap((ink) => curvesIn(root, ink))).toHaveLength(6);
    expect(textsOf(root)).toEqual(expect.arrayContaining(["10", "2,000 nodes"]));
  });
});

test("what the origin sends is written at each fleet size", () => {
  const sizes = [sizeResult(10, { originBytesOverSize: 1 }), sizeResult(100, { originBytesOverSize: 3.456 })];
  const root = drawn("origin-load", sizes);
  expect(textsOf(root)).toEqual(expect.arrayContaining(["1.00", "3.46", "one copy"]));
  expect(curvesIn(root, PALETTE.swarm)).toHaveLength(1);
});

test("availability is of the largest fleet, from its rarest piece to its commonest", () => {
  const root = drawn("availability");
  expect(textsOf(root)).toEqual(
    expect.arrayContaining(["rarest piece", "piece in the middle", "commonest piece", "10,000"]),
  );
  expect(curvesIn(root, PALETTE.swarm)).toHaveLength(3);
  const filled = allElements(root).filter(({ attributes }) => attributes.has("fill-opacity"));
  expect(filled.map(({ attributes }) => attributes.get("fill"))).toEqual([PALETTE.swarm.light]);
});

test("availability is named beside its curves, also where they rise from nothing to all at once", () => {
  const rest = { copiesMin: 0, copiesMax: 1000, doneShare: 0 };
  const availability = [
    { atMs: 0, copiesMedian: 0, ...rest },
    { atMs: 4_000, copiesMedian: 0, ...rest },
    { atMs: 5_000, copiesMedian: 1000, ...rest },
  ];
  const { notes = [] } = availabilityPlot(sizeResult(1000, { availability, completionSeconds: [5] }));
  expect(notes.find(({ text }) => text === "piece in the middle")?.at).toEqual([4.5, 500]);
  expect(notes.find(({ text }) => text === "commonest piece")?.at).toEqual([0, 1000]);
});

test("availability ends with the run, though samples go on", () => {
  const usual = sizeResult(1000);
  const late = { atMs: 3_600_000, copiesMin: 1000, copiesMedian: 1000, copiesMax: 1000, doneShare: 1 };
  const longer = sizeResult(1000, { availability: [...usual.availability, late] });
  expect(chartOf("availability", [longer]).draw("wide")).toBe(chartOf("availability", [usual]).draw("wide"));
});
