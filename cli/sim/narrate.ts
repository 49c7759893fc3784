// One simulated event as a line for people. Pure.
import type { TraceEvent } from "../../sim/core/swarm-run.ts";

/** The way of a piece, and what happens to nodes; the rest is chatter between nodes, and timers. */
const STORY: ReadonlySet<string> = new Set([
  "start",
  "requested",
  "cancelled",
  "rejected",
  "arrived",
  "verified",
  "leave",
  "vanish",
  "noticed",
  "flap",
  "flapOver",
]);
const TIMERS: ReadonlySet<string> = new Set(["downloadTick", "uploadTick", "sample", "drained"]);

const TIME_COLUMNS = 12;

/** Null for an event that is not told. `all` tells messages and steps on the way too. */
export function narrate(event: TraceEvent, all: boolean): string | null {
  const isTold = all ? !TIMERS.has(event.kind) : STORY.has(event.kind);
  return isTold ? `${timeText(event.atMs)}  ${sentenceOf(event)}` : null;
}

/** Seconds to the microsecond: events of one message differ by less than a millisecond. */
export function timeText(atMs: number): string {
  return (atMs / 1000).toFixed(6).padStart(TIME_COLUMNS);
}

function sentenceOf({ kind, to, from, piece }: TraceEvent): string {
  const other = from ?? "a node that is gone";
  switch (kind) {
    case "start":
      return `${to} begins`;
    case "requested":
      return `${to} is asked by ${other} for piece ${piece}`;
    case "cancelled":
      return `${to} need not send piece ${piece} to ${other} any more`;
    case "rejected":
      return `${to} does not get piece ${piece} from ${other}`;
    case "interested":
      return `${to} hears that ${other} wants pieces`;
    case "unchoked":
      return `${to} may ask ${other}`;
    case "has":
      return `${to} hears that ${other} has piece ${piece}`;
    case "feed":
      return `${to} hears what ${other} wants to be brought`;
    case "hasThese":
      return `${to} hears of all that ${other} has`;
    case "left":
      return `${to} has piece ${piece} from ${other} on the way between zones`;
    case "arrived":
      return `${to} is reached by piece ${piece} from ${other}`;
    case "received":
      return `${to} has piece ${piece} from ${other} through its downlink`;
    case "verified":
      return `${to} has verified piece ${piece}`;
    case "leave":
      return `${to} leaves for good`;
    case "vanish":
      return `${to} vanishes without a word`;
    case "noticed":
      return `${to} notices that ${other} is gone`;
    case "flap":
      return `${to} loses its links`;
    case "flapOver":
      return `${to} has its links back`;
    default:
      return [to, kind, from, piece].filter((part) => part !== null).join(" ");
  }
}
