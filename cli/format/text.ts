// Text for people: removes what could command a terminal, measures and cuts by columns, colours. Pure.

/** Every control character, C1 included: a terminal must never act on text that came over the network. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const SGR = /\u001b\[[0-9;]*m/g;
/** East Asian wide and emoji blocks that take two columns (Unicode UAX #11, the blocks that occur in practice). */
const WIDE = new RegExp(
  "[\\u1100-\\u115f\\u2e80-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6" +
    "\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]",
  "u",
);
const ZERO_WIDTH = /\p{Mn}|\p{Me}|\p{Cf}/u;

/**
 * One line of foreign text, safe to print: its colours go, tabs become spaces, other control characters a
 * visible `·`.
 */
export function clean(source: string): string {
  return source.replace(SGR, "").replace(/\t/g, "  ").replace(CONTROL, "·");
}

/** Keeps colours, removes every other control sequence: the last guard in front of a terminal. */
export function onlyColours(line: string): string {
  let result = "";
  let from = 0;
  for (const match of line.matchAll(SGR)) {
    result += clean(line.slice(from, match.index)) + match[0];
    from = match.index + match[0].length;
  }
  return result + clean(line.slice(from));
}

/** Columns that the line takes, colours not counted. */
export function widthOf(line: string): number {
  let width = 0;
  for (const character of line.replace(SGR, "")) width += columnsOf(character);
  return width;
}

/** The line cut to `width` columns, with `…` for what is missing. Colours stay whole and are reset at the cut. */
export function cut(line: string, width: number): string {
  if (widthOf(line) <= width) return line;
  if (width < 1) return "";
  let used = 0;
  let result = "";
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith("\u001b")) {
      result += part;
      continue;
    }
    for (const character of part) {
      if (used + columnsOf(character) > width - 1)
        return `${result}…${result.includes("\u001b") ? "\u001b[0m" : ""}`;
      result += character;
      used += columnsOf(character);
    }
  }
  return result;
}

/** The text in lines of at most `width` columns, broken between words; a longer word stands alone, uncut. */
export function wrap(source: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of source.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return [...lines, line];
}

export function padEnd(line: string, width: number): string {
  return line + " ".repeat(Math.max(0, width - widthOf(line)));
}

export function padStart(line: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(line))) + line;
}

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

export function paintWith(colours: boolean): Paint {
  const style =
    (on: number, off: number) =>
    (text: string): string =>
      colours && text !== "" ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
  };
}

function columnsOf(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
