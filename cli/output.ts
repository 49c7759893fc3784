// The one place that prints. Results go to stdout, everything about how they came to be goes to stderr.
import type { Failure } from "./failure.ts";
import { onlyColours, type Paint, paintWith } from "./format/text.ts";
import type { Host, Screen } from "./host.ts";

export interface Output {
  readonly isJson: boolean;
  /** Colours for stdout. */
  readonly paint: Paint;
  /** One line of a result for people; nothing under --json. */
  line(text: string): void;
  /** One object on one line; nothing without --json. */
  json(value: unknown): void;
  /** Something to know that is no result, on stderr. */
  note(text: string): void;
  /** An error and its next step on stderr. */
  failure(failure: Failure): void;
}

/** NO_COLOR (https://no-color.org) and TERM=dumb are respected; FORCE_COLOR is not a thing here. */
export function wantsColour(host: Host, screen: Screen): boolean {
  return screen.isTTY === true && !host.env.NO_COLOR && host.env.TERM !== "dumb";
}

export function createOutput(host: Host, isJson: boolean): Output {
  const errorPaint = paintWith(wantsColour(host, host.stderr));
  const note = (text: string) => host.stderr.write(`${onlyColours(text)}\n`);
  return {
    isJson,
    paint: paintWith(wantsColour(host, host.stdout)),
    line(text) {
      if (!isJson) host.stdout.write(`${onlyColours(text)}\n`);
    },
    json(value) {
      if (isJson) host.stdout.write(`${jsonLine(value)}\n`);
    },
    note,
    failure({ code, message, next, stack }) {
      // To leave is no error, though it has an exit code of its own.
      const label = code === "detached" ? "" : `${errorPaint.red("error:")} `;
      note(label + message.replaceAll("\n", "; "));
      if (next !== "") note(`  ${next}`);
      if (stack !== null && host.env.FLEET_DEBUG === "1") host.stderr.write(`${stack}\n`);
    },
  };
}

/** JSON that is also safe to look at on a terminal: C1 controls and line separators are escaped, as JSON allows. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
