// Whether real swarms take as long as simulated ones: one number is fitted to one kind of run, all others are foretold
// with it. Rows to show, and in words what was fitted and what was left out.
import { assert } from "../../protocol/machine.ts";
import type { SwarmOutcome } from "./outcome.ts";
import {
  caseName,
  casesOf,
  IDLE_SHARE_MIN,
  isValid,
  placeName,
  type RealCase,
  type RealRun,
  scenarioOfRun,
} from "./real-swarms.ts";
import { median, quantile } from "./statistics.ts";
import { type CheckRow, checkRow } from "./validate-model.ts";
import type { Simulate } from "./validate-runs.ts";

export interface RealFindings {
  readonly rows: readonly CheckRow[];
  /** One sentence each. */
  readonly notes: readonly string[];
}

const SEEDS: readonly number[] = [1, 2, 3, 4, 5];
const P50_TOLERANCE = 0.1;
const LAST_TOLERANCE = 0.15;
/** Policies nearer to each other than this, simulated or real, are not told apart: seeds and single runs differ so. */
const APART = 0.01;
/** Headers and acknowledgements take about this much, which is where fitting begins. */
const PAYLOAD_SHARE_FIRST = 0.93;
/** Times go nearly as one over the rate, so each step leaves next to nothing of what it was off by. */
const FIT_STEPS = 4;

/**
 * Level 4. The first kind of run with the shipped policy on equal links is what is fitted to. Null when there is none
 * that is valid.
 */
export function validateReal(runs: readonly RealRun[], simulate: Simulate): RealFindings | null {
  const cases = casesOf(runs.filter(isValid));
  const fitted = cases.find(({ conditions }) => conditions.policy === "shipped" && conditions.slow === null);
  if (fitted === undefined) return null;
  const payloadShare = payloadShareOf(fitted, simulate);
  const pairs = cases.map((real) => ({ real, simulated: foretell(real, payloadShare, simulate) }));
  const orders = ordersOf(pairs);
  return {
    rows: [...pairs.flatMap((pair) => timeRows(pair, pair.real === fitted)), ...orders.map(({ row }) => row)],
    notes: [
      fittedNote(fitted, payloadShare),
      ...runs.filter((run) => !isValid(run)).map(invalidNote),
      ...orders.map(({ note }) => note),
    ],
  };
}

function fittedNote({ conditions, runs }: RealCase, payloadShare: number): string {
  return (
    `Fitted: links carry ${(payloadShare * 100).toFixed(1)} % of their rate as payload, from when half of the nodes ` +
    `were done in "${caseName(conditions)}" (${runs.length} ${runs.length === 1 ? "run" : "runs"}). ` +
    "All else is foretold with it."
  );
}

interface Times {
  readonly p50Seconds: number;
  readonly lastSeconds: number;
}

interface Pair {
  readonly real: RealCase;
  readonly simulated: Times;
}

function payloadShareOf(real: RealCase, simulate: Simulate): number {
  const measured = median(real.runs.map(({ p50Seconds }) => p50Seconds));
  let payloadShare = PAYLOAD_SHARE_FIRST;
  for (let step = 0; step < FIT_STEPS; step += 1)
    payloadShare *= foretell(real, payloadShare, simulate).p50Seconds / measured;
  return payloadShare;
}

/** Each run with its own members: among slow nodes it decides who is next to whom. */
function foretell({ conditions, runs }: RealCase, payloadShare: number, simulate: Simulate): Times {
  const known = runs.filter(({ members }) => members !== null);
  const scenarios = (known.length > 0 ? known : runs.slice(0, 1)).map((run) =>
    scenarioOfRun(run, payloadShare),
  );
  const outcomes = scenarios.flatMap((scenario) =>
    SEEDS.map((seed) => simulate({ scenario, nodeCount: conditions.nodes, seed })),
  );
  return {
    p50Seconds: median(outcomes.map(({ completedMs }) => quantile(completedMs, 50) / 1000)),
    lastSeconds: median(outcomes.map(lastSeconds)),
  };
}

function lastSeconds({ completedMs }: SwarmOutcome): number {
  const last = completedMs.at(-1);
  assert(last !== undefined, "a simulated swarm without faults ended with nobody done");
  return last / 1000;
}

function realTimes({ runs }: RealCase): Times {
  return {
    p50Seconds: median(runs.map((run) => run.p50Seconds)),
    lastSeconds: median(runs.map((run) => run.lastSeconds)),
  };
}

/** Both compare what was simulated with what was measured. */
function timeRows({ real, simulated }: Pair, isFitted: boolean): readonly CheckRow[] {
  const measured = realTimes(real);
  const name = `${caseName(real.conditions)}${isFitted ? " (fitted)" : ""}`;
  return [
    checkRow({
      name: `${name}: p50, s`,
      measured: simulated.p50Seconds,
      expected: measured.p50Seconds,
      relation: "equal",
      tolerance: P50_TOLERANCE,
    }),
    checkRow({
      name: `${name}: last, s`,
      measured: simulated.lastSeconds,
      expected: measured.lastSeconds,
      relation: "equal",
      tolerance: LAST_TOLERANCE,
    }),
  ];
}

interface Order {
  readonly row: CheckRow;
  readonly note: string;
}

/** For each place where several policies were measured: by when half of the nodes were done, and all. */
function ordersOf(pairs: readonly Pair[]): readonly Order[] {
  const places = new Map<string, Pair[]>();
  for (const pair of pairs) {
    const place = placeName(pair.real.conditions);
    places.set(place, [...(places.get(place) ?? []), pair]);
  }
  return [...places]
    .filter(([, rivals]) => rivals.length > 1)
    .flatMap(([place, rivals]) => [
      orderOf(`${place}: p50`, rivals, ({ p50Seconds }) => p50Seconds),
      orderOf(`${place}: last`, rivals, ({ lastSeconds }) => lastSeconds),
    ]);
}

function orderOf(what: string, rivals: readonly Pair[], secondsOf: (times: Times) => number): Order {
  let told = 0;
  let swapped = 0;
  for (const [index, one] of rivals.entries())
    for (const other of rivals.slice(index + 1)) {
      const simulated = Math.log2(secondsOf(one.simulated) / secondsOf(other.simulated));
      const real = Math.log2(secondsOf(realTimes(one.real)) / secondsOf(realTimes(other.real)));
      if (Math.min(Math.abs(simulated), Math.abs(real)) < Math.log2(1 + APART)) continue;
      told += 1;
      if (real * simulated < 0) swapped += 1;
    }
  return {
    row: checkRow({
      name: `${what}, of ${told} pairs of policies, in the other order`,
      measured: swapped,
      expected: 0,
      relation: "at most",
    }),
    note:
      `Order at ${what}: simulated ${inOrder(rivals, ({ simulated }) => secondsOf(simulated))}; ` +
      `real ${inOrder(rivals, ({ real }) => secondsOf(realTimes(real)))}. ` +
      `Pairs less than ${APART * 100} % apart on either side are not judged.`,
  };
}

/** `shipped 37.2 s < no-injection 38.5 s`. */
function inOrder(rivals: readonly Pair[], secondsOf: (pair: Pair) => number): string {
  return rivals
    .toSorted((a, b) => secondsOf(a) - secondsOf(b))
    .map((pair) => `${pair.real.conditions.policy} ${secondsOf(pair).toFixed(1)} s`)
    .join(" < ");
}

function invalidNote({ source, conditions, idleShare }: RealRun): string {
  return (
    `INVALID: ${caseName(conditions)} in ${source} left ${(idleShare * 100).toFixed(0)} % of the processor idle, ` +
    `less than ${IDLE_SHARE_MIN * 100} %.`
  );
}
