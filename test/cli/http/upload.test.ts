// Uploads that end well, are refused, break off, or are called off.
// Uploads against a made-up coordinator: whole, refused before, refused in the middle, cut off.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { uploadFile } from "../../../cli/http/upload.ts";
import type { FleetError } from "../../../protocol/errors.ts";

const LENGTH = 3_000_000;
const failure = (code: string) => expect.objectContaining({ code }) as FleetError;
const refusalBody = JSON.stringify({ error: { code: "disk-full", message: "no room", next: "make some" } });

describe("an upload", () => {
  let directory: string;
  let filePath: string;
  let server: Server;
  const content = randomBytes(LENGTH);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "fleet-upload-"));
    filePath = join(directory, "artifact.tar");
    await writeFile(filePath, content);
    server = createServer();
    server.listen({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
  });

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });

  const target = () => ({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    path: "/v1/artifacts/x",
    headers: { authorization: "Bearer t" },
  });
  const digesting: RequestListener = (request, response) => {
    const hash = createHash("sha256");
    request.on("data", (chunk: Buffer) => hash.update(chunk));
    request.on("end", () => response.writeHead(201, { "x-digest": hash.digest("hex") }).end());
  };

  it("sends exactly the file, its length first, and tells how far it is", async () => {
    const digest = createHash("sha256");
    const seen: Record<string, unknown>[] = [];
    server.on("request", (request, response) => {
      seen.push({ ...request.headers, method: request.method });
      request.on("data", (chunk: Buffer) => digest.update(chunk));
      request.on("end", () => response.writeHead(201).end());
    });
    const progress: number[] = [];
    await uploadFile(target(), { filePath, length: LENGTH, onProgress: (done) => progress.push(done) });
    expect(digest.digest("hex")).toBe(createHash("sha256").update(content).digest("hex"));
    expect(seen).toEqual([
      expect.objectContaining({ method: "PUT", authorization: "Bearer t", "content-length": String(LENGTH) }),
    ]);
    expect(progress.at(-1)).toBe(LENGTH);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  it("is not sent at all when it is refused beforehand", async () => {
    let received = 0;
    server.on("checkContinue", (request, response) => {
      request.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
      response.writeHead(507, { "content-type": "application/json" }).end(refusalBody);
    });
    await expect(uploadFile(target(), { filePath, length: LENGTH })).rejects.toThrow(failure("disk-full"));
    expect(received).toBe(0);
  });

  it("tells the coordinator's reason when it is refused in the middle", async () => {
    server.on("request", (request, response) => {
      request.once("data", () => {
        // As a server that wants its answer to be read: it still takes the body for a moment.
        response.writeHead(507, { "content-type": "application/json", "content-length": refusalBody.length });
        response.write(refusalBody);
        request.resume();
        request.once("close", () => response.end());
      });
    });
    await expect(uploadFile(target(), { filePath, length: LENGTH })).rejects.toThrow(failure("disk-full"));
  });

  it("says when the coordinator goes away in the middle", async () => {
    server.on("request", (request) => request.once("data", () => request.destroy()));
    const upload = uploadFile(target(), { filePath, length: LENGTH });
    await expect(upload).rejects.toThrow(failure("coordinator-unreachable"));
  });

  it("says when the file shrank meanwhile", async () => {
    server.on("request", digesting);
    await truncate(filePath, 1_000);
    const upload = uploadFile(target(), { filePath, length: LENGTH });
    await expect(upload).rejects.toThrow(failure("artifact-mismatch"));
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    server.on("request", (request) => request.once("data", () => controller.abort(new Error("enough"))));
    const upload = uploadFile(target(), { filePath, length: LENGTH, signal: controller.signal });
    await expect(upload).rejects.toThrow("enough");
  });
});
