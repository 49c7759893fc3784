// A logger whose lines a test can read.
import { type Logger, pino } from "pino";

export interface CapturedLogs {
  readonly logger: Logger;
  readonly lines: readonly string[];
  /** Messages of the lines so far. */
  messages(): readonly string[];
}

export function captureLogs(): CapturedLogs {
  const lines: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  return {
    logger,
    lines,
    messages: () => lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
  };
}
