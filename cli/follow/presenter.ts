// The three ways to show a rollout while it runs: a live view, one line per event, one JSON object per event.
import type { Context } from "../command.ts";
import { paintWith } from "../format/text.ts";
import type { Host } from "../host.ts";
import type { WatchedItem } from "../http/watch.ts";
import { wantsColour } from "../output.ts";
import { ASCII_GLYPHS, UNICODE_GLYPHS } from "./bar.ts";
import { formatEventLine } from "./event-line.ts";
import { renderRollout } from "./render.ts";
import { openLiveBlock } from "./screen.ts";
import type { SummaryStyle } from "./summary.ts";
import type { ViewState } from "./view-state.ts";

export interface Presenter {
  show(state: ViewState, item: WatchedItem | null): void;
  end(): void;
}

/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_INTERVAL_MS = 100;

/** `clockLeadMs`: the coordinator's clock less ours. */
export function choosePresenter(context: Context, clockLeadMs: number): Presenter {
  const { host, output } = context;
  if (output.isJson) return jsonPresenter(context);
  return host.stdout.isTTY === true && host.env.TERM !== "dumb"
    ? livePresenter(host, clockLeadMs)
    : linePresenter(context);
}

/** The style of what is printed after the live view. */
export function summaryStyle(host: Host): SummaryStyle {
  return {
    paint: paintWith(wantsColour(host, host.stdout)),
    glyphs: hasUnicode(host) ? UNICODE_GLYPHS : ASCII_GLYPHS,
  };
}

/** By the locale, in the order in which POSIX looks at its variables; none set means a modern default. */
export function hasUnicode({ env }: Host): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "UTF-8";
  return /utf-?8/i.test(locale);
}

function jsonPresenter({ output }: Context): Presenter {
  return {
    show(_state, item) {
      if (item?.kind === "history") output.json(item.event);
    },
    end: () => undefined,
  };
}

function linePresenter({ output }: Context): Presenter {
  return {
    show({ rollout }, item) {
      if (item?.kind === "history") output.line(formatEventLine(item.event, rollout.startedAt));
      if (item?.kind === "connection")
        output.note(item.isUp ? "the coordinator is back" : "no connection to the coordinator; trying again");
    },
    end: () => undefined,
  };
}

function livePresenter(host: Host, clockLeadMs: number): Presenter {
  const block = openLiveBlock(host, host.stdout);
  const colours = wantsColour(host, host.stdout);
  const unicode = hasUnicode(host);
  let state: ViewState | null = null;
  const draw = (): void => {
    if (state === null) return;
    const now = host.now() + clockLeadMs;
    block.draw(renderRollout(state, { width: block.width, height: block.height, now, colours, unicode }));
  };
  const timer = setInterval(draw, REDRAW_INTERVAL_MS);
  host.stdout.on?.("resize", draw);
  return {
    show(next) {
      const isFirst = state === null;
      state = next;
      if (isFirst) draw();
    },
    end() {
      clearInterval(timer);
      host.stdout.off?.("resize", draw);
      block.end();
    },
  };
}
