// Sends one large file as the body of a PUT, straight from disk: memory stays flat whatever its size.
import { createReadStream } from "node:fs";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FleetError } from "../../protocol/errors.ts";
import { refusal } from "./answer.ts";
import { unreachable } from "./unreachable.ts";

/** Longest without a byte moving: a coordinator that writes the last of it to a slow disk may take a while. */
const IDLE_TIMEOUT_MS = 120_000;
/** Some proxies swallow the invitation to send; after this long the body is sent without one. */
const INVITATION_MS_MAX = 2_000;
const ERROR_BODY_CHARS_MAX = 64 * 1024;
const READ_BYTES = 256 * 1024;

export interface UploadTarget {
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface UploadOptions {
  readonly filePath: string;
  /** Exactly this many bytes are sent; a file that has become shorter is refused. */
  readonly length: number;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  readonly signal?: AbortSignal;
}

/** FleetError coordinator-unreachable, artifact-mismatch when the file shrank, or whatever the coordinator answers. */
export async function uploadFile(target: UploadTarget, options: UploadOptions): Promise<void> {
  const request = openRequest(target, options);
  const answered = answerOf(request, target.url);
  const sent = send(request, options);
  // A coordinator may refuse before it has read everything: its answer counts, not the pipe that broke.
  const [answer, sending] = await Promise.allSettled([answered, sent]);
  options.signal?.throwIfAborted();
  if (answer.status === "fulfilled") {
    const { status, body } = answer.value;
    if (status < 200 || status > 299) throw refusal(status, body, target.url);
  }
  if (sending.status === "rejected" && sending.reason instanceof FleetError) throw sending.reason;
  if (answer.status === "rejected") throw answer.reason;
}

function openRequest({ url, path, headers }: UploadTarget, { length, signal }: UploadOptions): ClientRequest {
  const target = new URL(url + path);
  const open = target.protocol === "https:" ? httpsRequest : httpRequest;
  const request = open(target, {
    method: "PUT",
    headers: {
      ...headers,
      "content-type": "application/octet-stream",
      "content-length": length,
      expect: "100-continue",
    },
    timeout: IDLE_TIMEOUT_MS,
    agent: false,
    ...(signal === undefined ? {} : { signal }),
  });
  request.on("timeout", () => request.destroy(Object.assign(new Error("idle"), { code: "ETIMEDOUT" })));
  return request;
}

async function send(request: ClientRequest, { filePath, length, onProgress }: UploadOptions): Promise<void> {
  if (!(await isInvited(request))) return;
  let done = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      done += chunk.length;
      onProgress?.(done, length);
      callback(null, chunk);
    },
    flush(callback) {
      if (done === length) return callback();
      callback(new FleetError("artifact-mismatch", `${filePath} became shorter while it was sent`));
    },
  });
  const source = createReadStream(filePath, { end: length - 1, highWaterMark: READ_BYTES });
  await pipeline(source, meter, request);
}

/** A refusal that comes before the body saves sending it. */
function isInvited(request: ClientRequest): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), INVITATION_MS_MAX);
    const settle = (invited: boolean) => () => {
      clearTimeout(timer);
      resolve(invited);
    };
    request.once("continue", settle(true));
    request.once("response", settle(false));
    request.once("error", settle(false));
  });
}

function answerOf(request: ClientRequest, url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request.on("error", (cause) => reject(unreachable(url, cause)));
    request.on("response", (response: IncomingMessage) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body = (body + chunk).slice(0, ERROR_BODY_CHARS_MAX);
      });
      response.on("error", (cause) => reject(unreachable(url, cause)));
      response.on("end", () => {
        // An answer that came early: the rest of the body is of no interest to anyone.
        if (!request.writableEnded) request.destroy();
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
  });
}
