// Runs the simulations of a command: all of its scenarios in one pool, with progress for people, until Ctrl-C.
import { FleetError } from "../../protocol/errors.ts";
import type { SwarmOutcome } from "../../sim/core/outcome.ts";
import type { SimulationRun } from "../../sim/core/run-bounds.ts";
import { resultOf, runsOf, type Study, type StudyResult } from "../../sim/core/study.ts";
import type { RunAll } from "../../sim/shell/run-pool.ts";
import type { Context } from "../command.ts";
import { clean } from "../format/text.ts";
import { count, formatClock, formatPercent, formatSeconds } from "../format/units.ts";
import { openProgress } from "../progress.ts";
import { untilStopSignal } from "../stop-signal.ts";

export interface StudyTools {
  readonly runAll: RunAll;
  /** What stderr says of a finished run where no progress is drawn; null for nothing. */
  readonly lineOf: (run: SimulationRun, outcome: SwarmOutcome) => string | null;
}

/** Results in the order of the studies. FleetError interrupted when it was stopped. */
export async function runStudies(
  context: Context,
  studies: readonly Study[],
  { runAll, lineOf }: StudyTools,
): Promise<readonly StudyResult[]> {
  const perStudy = studies.map(runsOf);
  const runs = perStudy.flat();
  const stop = untilStopSignal(context.host);
  const progress = openRunProgress(context, runs);
  try {
    const outcomes = await runAll(runs, {
      signal: stop.signal,
      onProgress: progress.update,
      onFinished: (index, outcome) => {
        progress.update(index, 1);
        const run = runs[index];
        const line = run === undefined || progress.isDrawn ? null : lineOf(run, outcome);
        if (line !== null) context.output.note(line);
      },
    });
    return dealOut(studies, perStudy, outcomes);
  } catch (cause) {
    if (!stop.signal.aborted) throw cause;
    throw new FleetError("interrupted", "stopped before all simulations had run", {
      cause,
      next: "Run the command again; the same seeds give the same numbers.",
    });
  } finally {
    progress.end();
    stop.forget();
  }
}

/** `three-zones, 1000 nodes, seed 3: last 12.3 s`. */
export function runLine({ scenario, nodeCount, seed }: SimulationRun, outcome: SwarmOutcome): string {
  const last = outcome.completedMs.at(-1);
  const how = last === undefined ? "nobody finished" : `last ${formatSeconds(last / 1000)}`;
  return `${clean(scenario.name)}, ${count(nodeCount, "node")}, seed ${seed}: ${how}`;
}

function dealOut(
  studies: readonly Study[],
  perStudy: readonly (readonly SimulationRun[])[],
  outcomes: readonly SwarmOutcome[],
): readonly StudyResult[] {
  let from = 0;
  return studies.map((study, index) => {
    const length = perStudy[index]?.length ?? 0;
    from += length;
    return resultOf(study, outcomes.slice(from - length, from));
  });
}

interface RunProgress {
  readonly isDrawn: boolean;
  update(index: number, doneShare: number): void;
  end(): void;
}

/** Weighs runs by nodes and pieces, which is about how long they take. */
function openRunProgress(context: Context, runs: readonly SimulationRun[]): RunProgress {
  const weights = runs.map(({ scenario, nodeCount }) => nodeCount * scenario.pieces);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const done = runs.map(() => 0);
  const progress = openProgress(context, "simulate", (part, whole, elapsedMs) => {
    const finished = done.filter((share) => share === 1).length;
    const leftMs = part > 0 && part < whole ? (elapsedMs * (whole - part)) / part : 0;
    const eta = leftMs > 0 ? `  ETA ${formatClock(Math.ceil(leftMs / 1000))}` : "";
    return `${formatPercent(part, whole).padStart(4)}  ${finished} of ${count(runs.length, "run")}${eta}`;
  });
  return {
    isDrawn: progress.isDrawn,
    update(index, doneShare) {
      done[index] = doneShare;
      const sum = done.reduce((all, share, place) => all + share * (weights[place] ?? 0), 0);
      progress.update(sum, total);
    },
    end: progress.end,
  };
}
