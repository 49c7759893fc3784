// Tells apart that a coordinator cannot be reached, and says why in plain words. Pure.
import { FleetError } from "../../protocol/errors.ts";

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be looked up",
  ETIMEDOUT: "it does not answer",
  EHOSTUNREACH: "there is no way to this host",
  ENETUNREACH: "there is no way to this network",
  EADDRNOTAVAIL: "the address cannot be used from here",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  UND_ERR_HEADERS_TIMEOUT: "it does not answer",
  UND_ERR_BODY_TIMEOUT: "it stopped in the middle of an answer",
  UND_ERR_SOCKET: "the connection was cut",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
};

export function unreachable(url: string, cause: unknown): FleetError {
  return new FleetError(
    "coordinator-unreachable",
    `cannot reach the coordinator at ${url}: ${reasonOf(cause)}`,
    {
      cause,
    },
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "it does not answer";
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause;
  // https://fetch.spec.whatwg.org/#bad-port: a list from the days of browsers, and it cannot be turned off.
  if (error.message === "bad port") return "HTTP clients refuse to use this port; let it listen on another";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return REASONS[code] ?? (inner instanceof Error ? reasonOf(inner) : error.message);
}
