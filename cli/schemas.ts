// Every JSON Schema that is published: the files people write, and what the commands print with --json. Pure.
import {
  errorBodySchema,
  fleetEventSchema,
  nodesAnswerSchema,
  releasesAnswerSchema,
  statusViewSchema,
} from "../protocol/api.ts";
import { explanationSchema } from "../protocol/explain.ts";
import type { JsonSchema } from "../protocol/schema.ts";
import { simRolloutResultSchema } from "../sim/core/rollout-result.ts";
import { projectSection } from "./config/project-schema.ts";
import { userSection } from "./config/user-schema.ts";
import { rolloutResultSchema, stageResultSchema } from "./follow/result.ts";
import { publishResultSchema } from "./publish-release.ts";
import { simCheckSchema } from "./sim/check-schema.ts";
import { simResultsSchema } from "./sim/results-schema.ts";
import { scenarioSection } from "./sim/scenario-schema.ts";
import { simValidationSchema } from "./sim/validation-schema.ts";

const DRAFT = "https://json-schema.org/draft/2020-12/schema";

/** By file name without `.schema.json`. */
export function publishedSchemas(): ReadonlyMap<string, JsonSchema> {
  const named = (title: string, description: string, schema: { readonly json: JsonSchema }): JsonSchema => ({
    $schema: DRAFT,
    title,
    description,
    ...schema.json,
  });
  return new Map([
    [
      "fleet",
      named(
        "fleet.yaml",
        "How an app is built into an artifact, started, probed and released.",
        projectSection,
      ),
    ],
    ["config", named("config.yaml", "A user's own settings, in ~/.config/fleet.", userSection)],
    [
      "event",
      named(
        "event",
        "One line of stage, release, rollback and status --follow, with --json.",
        fleetEventSchema,
      ),
    ],
    ["stage-result", named("stage result", "Last line of fleet stage --json.", stageResultSchema)],
    [
      "rollout-result",
      named("rollout result", "Last line of fleet release and fleet rollback --json.", rolloutResultSchema),
    ],
    ["publish-result", named("publish result", "What fleet publish --json prints.", publishResultSchema)],
    ["status", named("status", "What fleet status --json prints.", statusViewSchema)],
    ["explain", named("explain", "What fleet explain --json prints.", explanationSchema)],
    [
      "sim-rollout-result",
      named("simulated rollout", "What fleet sim rollout --json prints.", simRolloutResultSchema),
    ],
    ["nodes", named("nodes", "What fleet nodes --json prints.", nodesAnswerSchema)],
    ["releases", named("releases", "What fleet releases --json prints.", releasesAnswerSchema)],
    [
      "scenario",
      named(
        "scenario",
        "A fleet to simulate, and what is expected of it: fleet sim --scenario.",
        scenarioSection,
      ),
    ],
    [
      "sim-results",
      named("simulation results", "results.json, and what fleet sim run --json prints.", simResultsSchema),
    ],
    ["sim-check", named("simulation check", "What fleet sim check --json prints.", simCheckSchema)],
    [
      "sim-validation",
      named("validation of the simulator", "What fleet sim validate --json prints.", simValidationSchema),
    ],
    [
      "error",
      named(
        "error",
        "Last line of any command that could not do what was asked, with --json.",
        errorBodySchema,
      ),
    ],
  ]);
}
