// Turns whatever was thrown into what a person is told: code, message, next step, exit code. Pure.
import { CommanderError } from "commander";
import { ERRORS, FleetError } from "../protocol/errors.ts";

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly next: string;
  readonly exitCode: number;
  /** Where in fleet it went wrong; only for faults of fleet itself. */
  readonly stack: string | null;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof FleetError) {
    const { code, message, next, exitCode } = error;
    return { code, message, next, exitCode, stack: null };
  }
  if (error instanceof CommanderError) {
    const { exitCode, next } = ERRORS.usage;
    return { code: "usage", message: commanderMessage(error), next, exitCode, stack: null };
  }
  const { exitCode, next } = ERRORS.internal;
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? null) : null;
  return {
    code: "internal",
    message,
    next: `${next} FLEET_DEBUG=1 shows where it happened.`,
    exitCode,
    stack,
  };
}

/** `error: unknown option '--x'\n(Did you mean --y?)` as one sentence. */
function commanderMessage(error: CommanderError): string {
  return error.message
    .replace(/^error: /, "")
    .replace(/\n\(Did you mean (.*)\?\)$/, "; did you mean $1?")
    .trim();
}
