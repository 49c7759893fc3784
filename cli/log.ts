// The log of long-running commands, on stderr: JSON lines for machines, short lines for a person at a terminal.
import { type Logger, pino } from "pino";
import { FleetError } from "../protocol/errors.ts";
import { clean, type Paint, paintWith } from "./format/text.ts";
import type { Host } from "./host.ts";
import { wantsColour } from "./output.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

/** Never logged by anyone; listed so that a mistake elsewhere does not leak one either. */
const SECRET_KEYS = [
  "token",
  "joinToken",
  "secret",
  "secretHash",
  "authorization",
  "privateKey",
  "signature",
];

/** A whole token, wherever it stands; its id, which comes first, may be shown. */
const TOKEN = /(fleet_(?:node|operator)_[0-9a-f]{16})_[0-9a-f]{64}/g;

/** `level` is one of LOG_LEVELS; FleetError usage otherwise. */
export function createLogger(host: Host, level: string): Logger {
  if (!LOG_LEVELS.some((known) => known === level))
    throw new FleetError("usage", `--log-level ${level}: expected one of ${LOG_LEVELS.join(", ")}`);
  const isForPeople = host.stderr.isTTY === true;
  const paint = paintWith(wantsColour(host, host.stderr));
  const destination = {
    write: (line: string) => {
      const safe = line.replace(TOKEN, "$1_[secret]");
      host.stderr.write(isForPeople ? `${formatLogLine(safe, paint)}\n` : safe);
    },
  };
  const paths = SECRET_KEYS.flatMap((key) => [key, `*.${key}`]);
  return pino({ level, base: null, redact: { paths, censor: "[secret]" } }, destination);
}

const LEVEL_NAMES: Readonly<Record<number, readonly [string, keyof Paint]>> = {
  10: ["trace", "dim"],
  20: ["debug", "dim"],
  30: ["info ", "green"],
  40: ["warn ", "yellow"],
  50: ["error", "red"],
  60: ["fatal", "red"],
};

/** `09:40:33 info  node joined  node=node-1`, from one JSON line of pino. */
export function formatLogLine(line: string, paint: Paint): string {
  const { time, level, msg, err, ...rest } = parseLine(line);
  const [name, colour] = LEVEL_NAMES[Number(level)] ?? ["     ", "dim"];
  const clock = typeof time === "number" ? new Date(time).toTimeString().slice(0, 8) : "";
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${formatValue(value)}`);
  const error = err === undefined ? [] : [`error=${formatValue(errorText(err))}`];
  const details = [...fields, ...error].join(" ");
  const message = typeof msg === "string" ? clean(msg) : "";
  return `${paint.dim(clock)} ${paint[colour](name)} ${message}${details === "" ? "" : `  ${paint.dim(details)}`}`;
}

function parseLine(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function errorText(error: unknown): unknown {
  if (typeof error !== "object" || error === null || !("message" in error)) return error;
  return "code" in error ? `${String(error.code)}: ${String(error.message)}` : error.message;
}

function formatValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return clean(/[\s"]/.test(text) && typeof value === "string" ? JSON.stringify(text) : text);
}
