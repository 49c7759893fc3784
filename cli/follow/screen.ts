// Redraws a block of lines in place on a terminal. Knows cursor movement and nothing of what the lines say.
import { onlyColours, widthOf } from "../format/text.ts";
import type { Host, Screen } from "../host.ts";

export interface LiveBlock {
  readonly width: number;
  readonly height: number;
  draw(lines: readonly string[]): void;
  /** Removes the block and gives the cursor back. Safe to call twice. */
  end(): void;
}

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_LINE_END = "\u001b[K";
const CLEAR_SCREEN_END = "\u001b[J";
/** What a terminal that does not tell its size is taken for. */
const WIDTH_DEFAULT = 80;
const HEIGHT_DEFAULT = 24;

export function openLiveBlock(host: Host, screen: Screen): LiveBlock {
  let drawn: readonly string[] = [];
  let isOpen = true;
  const width = (): number => screen.columns || WIDTH_DEFAULT;
  const end = (): void => {
    if (!isOpen) return;
    isOpen = false;
    screen.write(toTop(drawn, width()) + CLEAR_SCREEN_END + SHOW_CURSOR);
    forget();
  };
  // The cursor must come back whatever ends the process.
  const forget = host.onExit(end);
  screen.write(HIDE_CURSOR);
  return {
    get width() {
      return width();
    },
    get height() {
      return screen.rows || HEIGHT_DEFAULT;
    },
    draw(lines) {
      if (!isOpen) return;
      const safe = lines.map(onlyColours);
      const body = safe.map((line) => `${line}${CLEAR_LINE_END}\n`).join("");
      screen.write(toTop(drawn, width()) + body + CLEAR_SCREEN_END);
      drawn = safe;
    },
    end,
  };
}

/** To where the block began: a terminal that became narrower has wrapped the old lines over several of its rows. */
function toTop(drawn: readonly string[], width: number): string {
  const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / width)), 0);
  return rows === 0 ? "\r" : `\r\u001b[${rows}A`;
}
