// One line of progress on stderr while something long is done; nothing when stderr is no terminal.
import type { Context } from "./command.ts";
import { ASCII_GLYPHS, formatBar, UNICODE_GLYPHS } from "./follow/bar.ts";
import { hasUnicode } from "./follow/presenter.ts";
import { openLiveBlock } from "./follow/screen.ts";
import { cut, paintWith } from "./format/text.ts";
import { formatBytes, formatClock, formatPercent, formatRate } from "./format/units.ts";
import { wantsColour } from "./output.ts";

export interface Progress {
  /** False when nobody sees it. */
  readonly isDrawn: boolean;
  update(done: number, total: number): void;
  end(): void;
}

/** What stands beside the bar: how far it is and how long it will take, in words that fit what is done. */
export type ProgressFigures = (done: number, total: number, elapsedMs: number) => string;

const REDRAW_INTERVAL_MS = 100;
const BAR_WIDTH = 24;
const LABEL_WIDTH = 10;

/** `label` says what happens, such as `hash` or `upload`; without `figures` it is bytes that are counted. */
export function openProgress(
  { host, output }: Context,
  label: string,
  figures: ProgressFigures = byteFigures,
): Progress {
  if (host.stderr.isTTY !== true || host.env.TERM === "dumb" || output.isJson)
    return { isDrawn: false, update: () => undefined, end: () => undefined };
  const block = openLiveBlock(host, host.stderr);
  const style = {
    paint: paintWith(wantsColour(host, host.stderr)),
    glyphs: hasUnicode(host) ? UNICODE_GLYPHS : ASCII_GLYPHS,
    width: BAR_WIDTH,
  };
  const startedAt = host.now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    isDrawn: true,
    update(done, total) {
      const now = host.now();
      if (now - drawnAt < REDRAW_INTERVAL_MS && done < total) return;
      drawnAt = now;
      const bar = formatBar([{ amount: done, glyph: "full" }], total, style);
      const line = `${style.paint.dim(label.padEnd(LABEL_WIDTH))}${bar} ${figures(done, total, now - startedAt)}`;
      block.draw([cut(line, block.width - 1)]);
    },
    end: () => block.end(),
  };
}

function byteFigures(bytesDone: number, bytesTotal: number, elapsedMs: number): string {
  const rate = elapsedMs <= 0 ? 0 : (bytesDone * 1000) / elapsedMs;
  const left = bytesTotal - bytesDone;
  const eta = rate > 0 && left > 0 ? `  ETA ${formatClock(Math.ceil(left / rate))}` : "";
  const size = `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`;
  return `${formatPercent(bytesDone, bytesTotal).padStart(4)}  ${size}  ${formatRate(rate)}${eta}`;
}
