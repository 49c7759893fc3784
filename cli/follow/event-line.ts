// One event of the history as one line, for logs and pipes. Pure.
import type { FleetEvent } from "../../protocol/api.ts";
import type { Millis } from "../../protocol/ids.ts";
import { clean } from "../format/text.ts";

const KIND_WIDTH = 20;

/** What a line needs of an event; a simulated one has kinds of its own. */
type EventLine = Pick<FleetEvent, "at" | "node" | "message"> & { readonly kind: string };

/** `   1.59s node-failed          node-01 · GET /health answered 500`: seconds since the rollout started. */
export function formatEventLine(event: EventLine, startedAt: Millis): string {
  const seconds = Math.max(0, event.at - startedAt) / 1000;
  const who = event.node === null ? "" : `${event.node} · `;
  return `${seconds.toFixed(2).padStart(8)}s ${event.kind.padEnd(KIND_WIDTH)} ${who}${clean(event.message)}`;
}
