// Bodies of requests as they arrive: bounded in size and in time. Knows nothing of what is in them.
import type { IncomingMessage } from "node:http";
import { FleetError } from "../../protocol/errors.ts";
import type { Schema } from "../../protocol/schema.ts";
import type { ShellLimits } from "./limits.ts";

/** The sender went away, or stopped sending, in the middle: nobody is left to answer. */
export class SenderGoneError extends Error {
  override readonly name = "SenderGoneError";
}

/** Throws FleetError request-invalid for a body too long or not JSON, DecodeError for JSON of another shape. */
export async function readJson<T>(
  body: AsyncIterable<Uint8Array>,
  schema: Schema<T>,
  limits: ShellLimits,
): Promise<T> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limits.jsonBodyBytesMax)
      throw new FleetError("request-invalid", `the body is longer than ${limits.jsonBodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  return schema.decode(parseJson(Buffer.concat(chunks)), "body");
}

/**
 * The bytes of a body, read as they are asked for. The connection is cut when the whole takes longer than `totalMs`, or
 * when nothing arrives for `idleMs`. Throws {@link SenderGoneError} when it ends too early for whatever reason.
 */
export async function* bodyOf(
  request: IncomingMessage,
  limits: { readonly totalMs: number } | { readonly idleMs: number },
): AsyncGenerator<Uint8Array> {
  const isIdleLimit = "idleMs" in limits;
  const limitMs = isIdleLimit ? limits.idleMs : limits.totalMs;
  const timer = setTimeout(() => request.destroy(new Error(`nothing came for ${limitMs} ms`)), limitMs);
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      yield chunk as Uint8Array;
      if (isIdleLimit) timer.refresh();
    }
  } catch (cause) {
    throw new SenderGoneError("the request broke off", { cause });
  } finally {
    clearTimeout(timer);
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new FleetError("request-invalid", "the body is not JSON in UTF-8", { cause });
  }
}
