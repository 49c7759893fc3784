// Foreign text, its width and its colours.
// Text from elsewhere is made safe, and measured in the columns it takes.
import { describe, expect, it } from "vitest";
import { clean, cut, onlyColours, padEnd, padStart, paintWith, widthOf } from "../../../cli/format/text.ts";

const ESC = "\u001b";

describe("text from elsewhere", () => {
  it("loses everything that could command a terminal", () => {
    expect(clean(`${ESC}[2Jgone${ESC}]0;title\u0007`)).toBe("·[2Jgone·]0;title·");
    expect(clean(`${ESC}[31mred${ESC}[0m`)).toBe("red");
    expect(clean("a\tb\r\nc\u009bd\u202ee")).toBe("a  b··c·d·e");
    expect(clean("grüße 日本 🚀")).toBe("grüße 日本 🚀");
  });

  it("keeps colours and nothing else at the last guard", () => {
    expect(onlyColours(`${ESC}[31mred${ESC}[39m ${ESC}[2J${ESC}[1A`)).toBe(
      `${ESC}[31mred${ESC}[39m ·[2J·[1A`,
    );
  });
});

describe("columns", () => {
  it("counts what a terminal shows", () => {
    expect(widthOf("plain")).toBe(5);
    expect(widthOf(`${ESC}[1mbold${ESC}[22m`)).toBe(4);
    expect(widthOf("日本")).toBe(4);
    expect(widthOf("🚀")).toBe(2);
    expect(widthOf("e\u0301")).toBe(1);
  });

  it("cuts without splitting a wide character or a colour", () => {
    expect(cut("short", 5)).toBe("short");
    expect(cut("longer", 5)).toBe("long…");
    expect(cut("日本語", 4)).toBe("日…");
    expect(cut(`${ESC}[31mlonger${ESC}[39m`, 5)).toBe(`${ESC}[31mlong…${ESC}[0m`);
    expect(cut("x", 0)).toBe("");
    for (let width = 1; width < 12; width += 1)
      expect(widthOf(cut(`a日${ESC}[31m本語b${ESC}[39mcdef`, width))).toBeLessThanOrEqual(width);
  });

  it("pads by columns", () => {
    expect(padEnd("日", 4)).toBe("日  ");
    expect(padStart(`${ESC}[1m7${ESC}[22m`, 3)).toBe(`  ${ESC}[1m7${ESC}[22m`);
  });
});

it("paints nothing when colours are off", () => {
  expect(paintWith(false).red("x")).toBe("x");
  expect(paintWith(true).red("x")).toBe(`${ESC}[31mx${ESC}[39m`);
  expect(paintWith(true).red("")).toBe("");
});
