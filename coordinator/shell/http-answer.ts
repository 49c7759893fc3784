// Answers of the HTTP interface: JSON bodies and the one form errors have. Never shows a stack or a secret.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorBody } from "../../protocol/api.ts";
import { ERRORS, FleetError } from "../../protocol/errors.ts";
import { DecodeError } from "../../protocol/schema.ts";

const RETRY_AFTER_SECONDS = 5;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string | number>>;
}

/** The error as its code, or `internal` for anything that has none. */
export function asFleetError(error: unknown): FleetError {
  if (error instanceof FleetError) return error;
  if (error instanceof DecodeError) return new FleetError("request-invalid", error.message, { cause: error });
  return new FleetError("internal", "the coordinator could not answer this", { cause: error });
}

export function errorAnswer(error: FleetError): Answer {
  const status = ERRORS[error.code].httpStatus;
  const body: ErrorBody = { error: { code: error.code, message: error.message, next: error.next } };
  const headers: Record<string, string | number> = {};
  if (status === 401) headers["www-authenticate"] = "Bearer";
  if (error.code === "overloaded") headers["retry-after"] = RETRY_AFTER_SECONDS;
  return { status, body, headers };
}

export function sendAnswer(response: ServerResponse, answer: Answer): void {
  response.end(writeAnswer(response, answer));
}

/**
 * As {@link sendAnswer} for a request whose body has not been read. The body is still taken for a moment, because a
 * connection that is cut while its sender writes loses the answer on the way.
 */
export function sendAnswerEarly(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  lingerMs: number,
): void {
  response.setHeader("connection", "close");
  response.write(writeAnswer(response, answer));
  const deadline = setTimeout(finish, lingerMs);
  function finish(): void {
    clearTimeout(deadline);
    response.end();
  }
  request.once("end", finish);
  request.once("close", finish);
  request.resume();
}

function writeAnswer(response: ServerResponse, answer: Answer): string {
  const text = JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...answer.headers,
  });
  return text;
}
