// Orders that hold until the coordinator says otherwise, one file each, as they came: what a node that restarts goes
// on with while its coordinator is away. Files are not synced: a note that is lost costs no more than waiting for it.
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { ReleaseRef } from "../../protocol/manifest.ts";
import type { CoordinatorMessage, StageOrder } from "../../protocol/messages.ts";
import { DecodeError } from "../../protocol/schema.ts";
import { decodeCoordinatorFrame, encodeFrame } from "../../protocol/shell/frame.ts";
import { namesIn, writeFileUnsynced } from "./files.ts";

export type LimitsOrder = Extract<CoordinatorMessage, { kind: "limits" }>;

export interface NotedOrders {
  readonly stages: readonly StageOrder[];
  /** The last one. */
  readonly limits: LimitsOrder | null;
}

const SUFFIX = ".order";
const LIMITS_NAME = `limits${SUFFIX}`;

export class OrderNotes {
  readonly #directory: string;
  readonly #logger: Logger;

  /** The directory exists. There are as many notes as the staging machine has jobs, which it limits, and one. */
  constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
  }

  /** Damaged notes are removed, and not among these. */
  async read(): Promise<NotedOrders> {
    const stages: StageOrder[] = [];
    let limits: LimitsOrder | null = null;
    for (const name of await namesIn(this.#directory)) {
      if (!name.endsWith(SUFFIX)) continue;
      const order = await this.#readOne(join(this.#directory, name));
      if (order?.kind === "stage") stages.push(order);
      else limits = order ?? limits;
    }
    return { stages, limits };
  }

  /** In place of an earlier one for the same release, or of the last limits. */
  async write(order: StageOrder | LimitsOrder): Promise<void> {
    const path = this.#pathOf(order.kind === "stage" ? nameOf(order.release) : LIMITS_NAME);
    try {
      await writeFileUnsynced(path, encodeFrame(order));
    } catch (error) {
      this.#logger.warn(
        { err: error, path },
        "cannot note an order: after a restart it waits for the coordinator",
      );
    }
  }

  /** What was ordered for this release is over. */
  async strike(release: ReleaseRef): Promise<void> {
    await this.#remove(this.#pathOf(nameOf(release)));
  }

  async #readOne(path: string): Promise<StageOrder | LimitsOrder | null> {
    try {
      const message = decodeCoordinatorFrame(await readFile(path));
      if (message.kind === "stage" || message.kind === "limits") return message;
      throw new DecodeError("kind", "stage or limits");
    } catch (error) {
      this.#logger.warn({ err: error, path }, "a noted order cannot be read: it waits for the coordinator");
      await this.#remove(path);
      return null;
    }
  }

  async #remove(path: string): Promise<void> {
    try {
      await rm(path, { force: true });
    } catch (error) {
      this.#logger.warn(
        { err: error, path },
        "cannot remove a noted order: the next start takes it up again",
      );
    }
  }

  #pathOf(name: string): string {
    return join(this.#directory, name);
  }
}

function nameOf({ app, version, sha256 }: ReleaseRef): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([app, version, sha256]))
    .digest("hex");
  return `${digest}${SUFFIX}`;
}
