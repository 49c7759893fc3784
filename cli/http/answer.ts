// Reads what an HTTP server answered, believing nothing: capped, decoded, and its errors turned into FleetErrors.
import { errorBodySchema } from "../../protocol/api.ts";
import { FleetError, isErrorCode } from "../../protocol/errors.ts";
import { DecodeError, type Schema } from "../../protocol/schema.ts";

/** A rollout of 100 000 nodes with messages is about 60 MB of JSON. */
export const ANSWER_BYTES_MAX = 128 * 1024 * 1024;

/** Decodes the JSON body of a success. FleetError protocol-error when it is not what a coordinator answers. */
export async function decodeAnswer<T>(response: Response, schema: Schema<T>, url: string): Promise<T> {
  return decodeText(schema, await readText(response, url), url);
}

export function decodeText<T>(schema: Schema<T>, source: string, url: string): T {
  try {
    return schema.decode(JSON.parse(source), "");
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof DecodeError)) throw cause;
    throw notACoordinator(
      url,
      cause instanceof DecodeError ? cause.message : "the answer is not JSON",
      cause,
    );
  }
}

/** What a refusal means; to be thrown. `head` is for answers that have no body. */
export function refusal(status: number, body: string, url: string): FleetError {
  const decoded = decodeError(body);
  if (decoded === null) return notACoordinator(url, `HTTP status ${status}`);
  const { code, message, next } = decoded;
  if (isErrorCode(code)) return new FleetError(code, message, { next });
  // A newer coordinator may know more codes than this program.
  return new FleetError("protocol-error", `${message} (${code})`, { next });
}

export async function readText(response: Response, url: string): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let source = "";
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX)
      throw notACoordinator(url, `an answer of more than ${ANSWER_BYTES_MAX} bytes`);
    source += decoder.decode(chunk, { stream: true });
  }
  return source + decoder.decode();
}

export function notACoordinator(url: string, why: string, cause?: unknown): FleetError {
  return new FleetError("protocol-error", `${url} does not answer as a fleet coordinator does: ${why}`, {
    cause,
    next: "Check FLEET_URL or --url, and that both sides run the same fleet version.",
  });
}

function decodeError(body: string): { code: string; message: string; next: string } | null {
  try {
    return errorBodySchema.decode(JSON.parse(body), "").error;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DecodeError) return null;
    throw error;
  }
}
