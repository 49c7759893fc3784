// What a node holds against whoever it exchanges pieces with: the closed list of faults, the report, and the view of
// it. A report is a claim by one node. Whatever shows it must say who says so.
import { MESSAGE_CHARS_MAX, OFFENCE_ACCUSERS_NAMED_MAX, PIECES_MAX } from "./limits.ts";
import { releaseRefSchema } from "./manifest.ts";
import { type Infer, integer, list, literal, nullable, object, text } from "./schema.ts";

export const faultSchema = literal(
  "bad-data", // sent a piece that does not fit its hash; banned for the release by whoever noticed
  "no-answer", // was asked for blocks, or for a handshake, and sent nothing in many times the time it should need
  "drip", // sends so slowly that others are asked for the same blocks
  "refuses", // claims pieces and refuses to send them
  "floods", // sends blocks nobody asked for, or asks for far more than it may
  "breaks-rules", // messages that the wire protocol does not allow
  "does-not-read", // asks for blocks and takes none in
);
export type Fault = Infer<typeof faultSchema>;

/** A node id, `origin`, or the network address of a client that is on no list. */
export const sourceSchema = text({
  min: 1,
  max: 255,
  pattern: /^[A-Za-z0-9.:_%-]+$/,
  expected: "a node id, `origin` or an address",
});

/** What was noticed, once. `piece`: the one it was about, null when it was about none. */
export interface Offence {
  readonly source: string;
  readonly fault: Fault;
  readonly piece: number | null;
}

/** From a node, at the first time and then each time `count` has doubled; again after each welcome. */
export const offenderSchema = object({
  kind: literal("offender"),
  generation: integer(1),
  release: releaseRefSchema,
  source: sourceSchema,
  fault: faultSchema,
  /** Of the first time. */
  piece: nullable(integer(0, PIECES_MAX - 1)),
  /** How often this node has noticed it. */
  count: integer(1),
});
export type OffenderReport = Infer<typeof offenderSchema>;

/** One fault of one source in one release, and who says so. */
export const offenceViewSchema = object({
  source: sourceSchema,
  /** The node's name, or `source` when it is none of the fleet's nodes. */
  name: text({ min: 1, max: 255 }),
  fault: faultSchema,
  piece: nullable(integer(0, PIECES_MAX - 1)),
  /** How many say so, and the first of their names. */
  accuserCount: integer(1),
  accusers: list(text({ min: 1, max: 64 }), OFFENCE_ACCUSERS_NAMED_MAX),
  firstAt: integer(0),
  /** All of it in plain words. */
  message: text({ max: MESSAGE_CHARS_MAX }),
});
export type OffenceView = Infer<typeof offenceViewSchema>;
