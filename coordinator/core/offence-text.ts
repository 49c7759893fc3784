// An offence in plain words, for the history and for people who ask. Pure text: one accuser is a claim, so it always
// says who says so.
import { assertNever } from "../../protocol/machine.ts";
import { ORIGIN_ID } from "../../protocol/messages.ts";
import type { OffenceView } from "../../protocol/offence.ts";

type Told = Omit<OffenceView, "message">;

const NODE_ID = /^[0-9a-f]{32}$/;

/** `node web-7 sent bad data for piece 12 to 3 nodes (db-1, web-2, web-9 say so); it is banned there for …`. */
export function offenceText(offence: Told, kind: "node" | "stranger"): string {
  return `${offender(offence, kind)} ${deed(offence)} (${saySo(offence)})${consequence(offence)}`;
}

function offender({ source, name }: Told, kind: "node" | "stranger"): string {
  if (kind === "node") return `node ${name}`;
  if (source === ORIGIN_ID) return "the origin";
  return NODE_ID.test(source) ? `a client that calls itself ${source}` : `a client at ${source}`;
}

function deed(offence: Told): string {
  const { fault, piece } = offence;
  const about = piece === null ? "" : ` for piece ${piece}`;
  const victims = counted(offence);
  switch (fault) {
    case "bad-data":
      return `sent bad data${about} to ${victims}`;
    case "no-answer":
      return `did not answer ${victims}`;
    case "drip":
      return `sends only a trickle to ${victims}`;
    case "refuses":
      return `claims pieces and refuses to send them to ${victims}`;
    case "floods":
      return `floods ${victims} with what was not asked for`;
    case "breaks-rules":
      return `breaks the rules of the wire towards ${victims}`;
    case "does-not-read":
      return `asks ${victims} for data and does not read it`;
    default:
      return assertNever(fault);
  }
}

function counted({ accusers, accuserCount }: Told): string {
  const origins = accusers.includes(ORIGIN_ID) ? 1 : 0;
  const nodes = accuserCount - origins;
  const parts = [
    nodes === 0 ? "" : nodes === 1 ? "1 node" : `${nodes} nodes`,
    origins === 0 ? "" : "the origin",
  ];
  return parts.filter((part) => part !== "").join(" and ");
}

function saySo({ accusers, accuserCount }: Told): string {
  const names = accusers.map((name) => (name === ORIGIN_ID ? "the origin" : name));
  const more = accuserCount - names.length;
  if (more > 0) return `${names.join(", ")} and ${more} more say so`;
  return `${names.join(", ")} ${accuserCount === 1 ? "says" : "say"} so`;
}

function consequence({ fault }: Told): string {
  switch (fault) {
    case "bad-data":
      return "; it is banned there for this release";
    case "no-answer":
    case "drip":
    case "refuses":
      return "; others are asked there instead";
    default:
      return "; its link there was cut";
  }
}
