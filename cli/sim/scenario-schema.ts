// What a scenario file may say: its keys, how each value is written, and what it means. Pure.
// Flags and files write the same things the same way; what is missing has the same defaults.
import {
  DecodeError,
  flag,
  type Infer,
  integer,
  list,
  literal,
  type Schema,
  text,
} from "../../protocol/schema.ts";
import {
  type Ceiling,
  METRIC_NAMES,
  METRICS,
  type MetricName,
  OPERATORS,
} from "../../sim/core/expectations.ts";
import { either, type Key, optional, required, section } from "../config/section.ts";
import {
  BIT_RATE,
  BLOCK_COUNT,
  BYTE_SIZE,
  FLAP,
  fileQuantity,
  LATE,
  LATENCY,
  listQuantity,
  NODE_COUNT,
  PIECE_COUNT,
  type Quantity,
  SHARE,
  SLOW,
} from "./quantities.ts";

const GROUPS_MAX = 100;
const SIZES_MAX = 20;
const RINGS_MAX = 64;
const LIMIT_MAX = 1e12;

const scenarioName = text({
  min: 1,
  max: 64,
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  expected: "a name of letters, digits, `.`, `_` and `-`",
});
const partName = text({ min: 1, max: 64 });
const rate = fileQuantity(BIT_RATE);

const nodeCounts: Schema<readonly number[]> = either(
  (value) => Array.isArray(value),
  sortedCounts(),
  fileQuantity(listQuantity(NODE_COUNT, "10,100,1000")),
);

function sortedCounts(): Schema<readonly number[]> {
  const counts = list(fileQuantity(NODE_COUNT), SIZES_MAX, 1);
  return {
    decode: (value, path) => [...new Set(counts.decode(value, path))].sort((a, b) => a - b),
    json: counts.json,
  };
}

export interface Limit {
  readonly operator: Ceiling["operator"];
  readonly limit: number;
}

const LIMIT_PATTERN = /^(<=|>=|<|>) ?([0-9]{1,12}(?:\.[0-9]{1,9})?)$/;

const limitSchema: Schema<Limit> = {
  decode(value, path) {
    const [, written, number] = (typeof value === "string" && LIMIT_PATTERN.exec(value.trim())) || [];
    const operator = OPERATORS.find((each) => each === written);
    if (operator === undefined || Number(number) > LIMIT_MAX)
      throw new DecodeError(path, 'a limit such as "<= 1.05", with <=, <, >= or > and in quotes');
    return { operator, limit: Number(number) };
  },
  json: { type: "string", pattern: LIMIT_PATTERN.source },
};

const expectationKeys = Object.fromEntries(
  METRIC_NAMES.map((name) => [name, optional(limitSchema, `${capital(METRICS[name])}.`)]),
) as Readonly<Record<MetricName, Key<Limit | null>>>;
const expectationSection = section(expectationKeys);
export type ExpectationSection = Infer<typeof expectationSection>;

const sizesSchema: Schema<ReadonlyMap<number, ExpectationSection>> = {
  decode(value, path) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new DecodeError(path, "fleet sizes, each with what is expected at it");
    return new Map(
      Object.entries(value).map(([size, expected]) => {
        const nodes = NODE_COUNT.parse(size);
        if (nodes === null)
          throw new DecodeError(`${path}.${size}`, `a number of nodes, ${NODE_COUNT.expected}`);
        return [nodes, expectationSection.decode(expected, `${path}.${size}`)];
      }),
    );
  },
  json: {
    type: "object",
    propertyNames: { pattern: "^[0-9]+$" },
    additionalProperties: expectationSection.json,
  },
};

const groupSection = section({
  name: optional(partName, "For reading only."),
  share: optional(fileQuantity(SHARE), "Part of the fleet, such as 20%; equal parts when no group says it."),
  up: required(rate, "What each node can send, such as 1Gbit."),
  down: optional(rate, "What each node can receive; as `up` when absent."),
  zone: optional(partName, "Name of the zone it is in; the first one when absent."),
});

const zoneSection = section({
  name: required(partName, "What groups call it."),
  link: optional(
    rate,
    "What the zone's link to everywhere else carries each way; without limit when absent.",
  ),
});

export const scenarioSection = section({
  name: optional(scenarioName, "What baselines and reports call it; the file's name when absent."),
  nodes: required(nodeCounts, "Fleet sizes to simulate: a number or a list."),
  size: required(fileQuantity(BYTE_SIZE), "The artifact's size, such as 1GiB."),
  pieces: optional(fileQuantity(PIECE_COUNT), "How many pieces it is cut into; 512 when absent."),
  blocks: quantityKey(BLOCK_COUNT, "How many blocks a piece travels in; 1 when absent, which is fastest."),
  origin: required(
    section({
      up: required(rate, "What the coordinator can send, such as 10Gbit."),
      zone: optional(partName, "Name of the zone it is in; the first one when absent."),
    }),
    "Where the artifact comes from.",
  ),
  groups: required(
    list(groupSection, GROUPS_MAX, 1),
    "The fleet: nodes with the same links, group by group.",
  ),
  zones: optional(list(zoneSection, GROUPS_MAX, 1), "Sites or racks; one without limit when absent."),
  rtt: quantityKey(LATENCY, "Round trip within a zone; 1ms when absent."),
  zoneRtt: quantityKey(LATENCY, "Round trip between zones; 20ms when absent."),
  messageWait: quantityKey(
    LATENCY,
    "What messages between nodes wait each way behind blocks, in the mean; none when absent.",
  ),
  startJitter: quantityKey(LATENCY, "Nodes start at random times up to this after GO; 20ms when absent."),
  pieceCost: optional(
    section({
      fixed: quantityKey(LATENCY, "For each piece; 500us when absent."),
      rate: optional(rate, "Hashing and writing; 8Gbit when absent."),
    }),
    "What a node spends on a piece before it counts.",
  ),
  control: optional(
    section({
      delay: quantityKey(LATENCY, "One way between coordinator and node; 1ms when absent."),
      service: quantityKey(LATENCY, "How long the coordinator works on a message; 20us when absent."),
    }),
    "The coordinator's messages.",
  ),
  churn: quantityKey(SHARE, "Nodes that leave for good while the artifact spreads, such as 5%."),
  vanish: quantityKey(SHARE, "The same, but nobody is told: machines without power."),
  slow: quantityKey(SLOW, "Nodes at a part of their rates, such as 5%@0.1."),
  late: quantityKey(LATE, "Nodes that start late, at random times up to the one given, such as 10%@30s."),
  flap: quantityKey(FLAP, "Nodes that lose all links again and again: 2%@30s/5s is every 30 s for 5 s."),
  policy: optional(
    section({
      injection: optional(flag, "The origin sends every piece once before it repeats any; true when absent."),
      rings: optional(
        integer(1, RINGS_MAX),
        "Rings of the peer graph, two links each; as it ships when absent.",
      ),
      trees: optional(
        flag,
        "Large fleets bring what they have along trees, without being asked; true when absent.",
      ),
      picking: optional(literal("rarest", "in-order"), "Which piece is asked for next; rarest when absent."),
      endgame: optional(flag, "The last pieces are asked for more than once; true when absent."),
    }),
    "Cripples what ships, to see what it is worth.",
  ),
  expect: optional(expectationSection, "What must hold at every fleet size; limits in quotes."),
  sizes: optional(sizesSchema, "What must hold at one fleet size instead: sizes, each as `expect`."),
});

export type ScenarioSection = Infer<typeof scenarioSection>;

function quantityKey<T>(quantity: Quantity<T>, about: string): Key<T | null> {
  return optional(fileQuantity(quantity), about);
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
