// Reads Server-Sent Events as a watching client does.
import {
  type FleetEvent,
  fleetEventSchema,
  type RolloutView,
  rolloutViewSchema,
} from "../../../../protocol/api.ts";

export interface StreamItem {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

export class TestStream {
  readonly #reader: AsyncGenerator<StreamItem, void>;
  readonly #abort: AbortController;

  private constructor(reader: AsyncGenerator<StreamItem, void>, abort: AbortController) {
    this.#reader = reader;
    this.#abort = abort;
  }

  static async open(url: string, token: string, headers: Record<string, string> = {}): Promise<TestStream> {
    const abort = new AbortController();
    const authorization = `Bearer ${token}`;
    const response = await fetch(url, { headers: { authorization, ...headers }, signal: abort.signal });
    if (response.status !== 200 || response.body === null) throw new Error(`status ${response.status}`);
    return new TestStream(itemsOf(response.body), abort);
  }

  /** Null at the end of the stream. */
  async next(): Promise<StreamItem | null> {
    const step = await this.#reader.next();
    return step.done === true ? null : step.value;
  }

  /** Everything up to the end of the stream. */
  async rest(): Promise<readonly StreamItem[]> {
    const items: StreamItem[] = [];
    for (let item = await this.next(); item !== null; item = await this.next()) items.push(item);
    return items;
  }

  /** Passes over what does not fit. */
  async until(fits: (item: StreamItem) => boolean): Promise<StreamItem> {
    for (;;) {
      const item = await this.next();
      if (item === null) throw new Error("the stream has ended");
      if (fits(item)) return item;
    }
  }

  close(): void {
    this.#abort.abort();
  }
}

export function viewOf(item: StreamItem): RolloutView {
  return rolloutViewSchema.decode(JSON.parse(item.data), "view");
}

export function historyOf(item: StreamItem): FleetEvent {
  return fleetEventSchema.decode(JSON.parse(item.data), "event");
}

async function* itemsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamItem, void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) yield itemOf(block);
  }
}

/** A comment becomes an item of the kind `comment`. */
function itemOf(block: string): StreamItem {
  const fields = new Map(
    block.split("\n").map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)] as const;
    }),
  );
  const comment = fields.get("");
  if (comment !== undefined) return { event: "comment", id: null, data: comment };
  return { event: fields.get("event") ?? "", id: fields.get("id") ?? null, data: fields.get("data") ?? "" };
}
