// Results of `npm run bench:swarm` as what a simulation is compared with. Reads files; judges no figure.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { FleetError } from "../../protocol/errors.ts";
import { ARTIFACT_BYTES_MAX } from "../../protocol/limits.ts";
import {
  DecodeError,
  flag,
  type Infer,
  integer,
  list,
  literal,
  nullable,
  object,
  real,
  text,
} from "../../protocol/schema.ts";
import { POLICY_NAMES } from "../../sim/core/policies.ts";
import type { RealConditions, RealRun } from "../../sim/core/real-swarms.ts";

const RUNS_MAX = 1_000;
/** What one machine can hold as namespaces. */
const BENCH_NODES_MAX = 1_000;
/** Graphs are seeded with 32 bits of it. */
const GENERATION_MAX = 2 ** 31;
const PIECE_BYTES_MAX = 64 * 1024 * 1024;
const mbit = real(0.001, 1e6);
const seconds = real(0, 1e9);
const share = real(0, 1);

const runSchema = object({
  succeeded: flag,
  members: nullable(object({ generation: integer(1, GENERATION_MAX), mbit: list(mbit, BENCH_NODES_MAX) })),
  figures: object({
    p50Seconds: nullable(seconds),
    lastSeconds: nullable(seconds),
    originSentOverSize: nullable(real(0, 1e6)),
    idleShare: share,
  }),
});

/** Of the report that the benchmark writes, what counts here. */
const reportSchema = object({
  format: literal(1),
  options: object({
    nodes: integer(1, BENCH_NODES_MAX),
    mbit: nullable(mbit),
    originMbit: nullable(mbit),
    slow: nullable(object({ share, factor: share })),
    fault: nullable(object({ kind: text({ max: 64 }) })),
    policy: nullable(literal(...POLICY_NAMES)),
  }),
  artifactBytes: integer(1, ARTIFACT_BYTES_MAX),
  pieceLength: nullable(integer(1, PIECE_BYTES_MAX)),
  systems: list(object({ name: text({ max: 64 }), runs: list(runSchema, RUNS_MAX) }), RUNS_MAX),
});

/** The results in a folder, by name; none when there is no such folder. */
export function resultFilesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .map((name) => path.join(folder, name));
}

/** FleetError file-missing or config-invalid, naming the file. */
export function readRealRuns(file: string): readonly RealRun[] {
  const report = decodeReport(file, readText(file));
  const conditions = conditionsOf(file, report);
  return report.systems
    .filter(({ name }) => name === "fleet")
    .flatMap(({ runs }) => runs)
    .flatMap(({ succeeded, figures, members }): readonly RealRun[] => {
      const { p50Seconds, lastSeconds, originSentOverSize, idleShare } = figures;
      if (!succeeded || p50Seconds === null || lastSeconds === null) return [];
      const source = path.basename(file);
      return [
        {
          source,
          conditions,
          members: membersOf(file, members, conditions),
          p50Seconds,
          lastSeconds,
          originSentOverSize,
          idleShare,
        },
      ];
    });
}

function membersOf(
  file: string,
  members: RealRun["members"],
  { nodes, mbit: rate, slow }: RealConditions,
): RealRun["members"] {
  if (members === null) return null;
  const rates = [rate, rate * (slow?.factor ?? 1)];
  if (members.mbit.length === nodes && members.mbit.every((one) => rates.includes(one))) return members;
  throw unusable(file, "those who joined are not the nodes that it was measured with");
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FleetError("file-missing", `cannot read ${file}: ${why}`, { cause });
  }
}

function decodeReport(file: string, source: string): Infer<typeof reportSchema> {
  try {
    return reportSchema.decode(JSON.parse(source) as unknown, "");
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof DecodeError)) throw cause;
    throw unusable(file, cause.message, cause);
  }
}

function conditionsOf(file: string, report: Infer<typeof reportSchema>): RealConditions {
  const { options, artifactBytes, pieceLength } = report;
  const { nodes, mbit: rate, originMbit, slow, fault, policy } = options;
  if (rate === null || originMbit === null) throw unusable(file, "its links had no known rate");
  if (fault !== null) throw unusable(file, "processes were killed in it, which is not simulated here");
  if (pieceLength === null) throw unusable(file, "fleet was not measured in it");
  return { nodes, mbit: rate, originMbit, slow, artifactBytes, pieceLength, policy: policy ?? "shipped" };
}

function unusable(file: string, why: string, cause?: unknown): FleetError {
  return new FleetError("config-invalid", `${file} is no result to compare with: ${why}`, {
    cause,
    next: "Give JSON files that `npm run bench:swarm` wrote, measured on links of a known rate.",
  });
}
