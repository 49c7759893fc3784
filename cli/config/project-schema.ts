// What fleet.yaml may say, and what it means: its schema, its defaults, and the manifest parts made from it. Pure.
import { appNameSchema } from "../../protocol/ids.ts";
import {
  ARGUMENT_CHARS_MAX,
  ARGV_MAX,
  HEALTH_TIMEOUT_MS_MAX,
  HOOK_TIMEOUT_MS_MAX,
  NODES_MAX,
  PROBES_MAX,
} from "../../protocol/limits.ts";
import type { HealthPolicy, HookSpec, Hooks, Probe } from "../../protocol/manifest.ts";
import { DecodeError, flag, type Infer, integer, list, type Schema, text } from "../../protocol/schema.ts";
import { DEFAULT_STRATEGY, parseShare, type Share } from "../../protocol/strategy.ts";
import { durationSchema, formatDuration } from "./duration.ts";
import { either, optional, required, section } from "./section.ts";

/** A hook that takes longer than this without saying so is more likely stuck than busy. */
const HOOK_TIMEOUT_MS_DEFAULT = 30_000;
const HEALTH_DEFAULTS = { intervalMs: 2_000, timeoutMs: 2_000, successes: 3, startPeriodMs: 0 } as const;

const argument = text({ max: ARGUMENT_CHARS_MAX });
const argv: Schema<readonly string[]> = {
  decode(value, path) {
    if (!Array.isArray(value)) throw new DecodeError(path, "a list: the program, then its arguments");
    return list(argument, ARGV_MAX, 1).decode(value, path);
  },
  json: list(argument, ARGV_MAX, 1).json,
};
const httpUrl = text({
  min: 8,
  max: ARGUMENT_CHARS_MAX,
  pattern: /^https?:\/\/\S+$/,
  expected: "an http:// or https:// URL",
});

const hookSection = section({
  run: required(argv, "The program and its arguments, run without a shell in the release's folder."),
  timeout: optional(
    durationSchema(1, HOOK_TIMEOUT_MS_MAX),
    `Longest it may take; ${formatDuration(HOOK_TIMEOUT_MS_DEFAULT)} when absent.`,
  ),
});

const httpProbe = either(
  (value) => typeof value === "string",
  httpUrl,
  section({
    url: required(httpUrl, "Asked with GET. `{label.NAME}` becomes the node's label."),
    status: optional(integer(100, 599), "The answer that means healthy; 200 when absent."),
  }),
);
const tcpAddress = text({
  min: 3,
  max: ARGUMENT_CHARS_MAX,
  pattern: /^\S+:(?:[0-9]{1,5}|\{label\.[^{}]+\})$/,
  expected: "HOST:PORT",
});

const healthSection = section({
  http: optional(list(httpProbe, PROBES_MAX), "URLs that must answer, 200 unless told otherwise."),
  tcp: optional(list(tcpAddress, PROBES_MAX), "HOST:PORT addresses that must accept a connection."),
  exec: optional(list(argv, PROBES_MAX), "Programs that must exit with 0."),
  interval: optional(
    durationSchema(50, HEALTH_TIMEOUT_MS_MAX),
    "Time between two rounds of probes; 2s when absent.",
  ),
  timeout: optional(durationSchema(50, HEALTH_TIMEOUT_MS_MAX), "Longest one probe may take; 2s when absent."),
  successes: optional(integer(1, 100), "Rounds in a row in which every probe must pass; 3 when absent."),
  startPeriod: optional(
    durationSchema(0, HEALTH_TIMEOUT_MS_MAX),
    "How long after the start hook failures are expected; 0s when absent.",
  ),
});

const strategySection = section({
  rolling: optional(
    shareSchema(),
    "Most nodes switched at once: a number such as 3, or a share such as 10%.",
  ),
  canary: optional(
    integer(0, NODES_MAX),
    "Nodes that are switched first and must all become healthy; 0 for none.",
  ),
  allAtOnce: optional(flag, "Switch every node in one wave, without canary."),
  healthTimeout: optional(
    durationSchema(1, HEALTH_TIMEOUT_MS_MAX),
    `Longest from a node's switch to healthy; ${formatDuration(DEFAULT_STRATEGY.healthTimeoutMs)} when absent.`,
  ),
});
export type StrategySection = Infer<typeof strategySection>;

const artifactTemplate = text({
  min: 1,
  max: ARGUMENT_CHARS_MAX,
  pattern: /^(?:[^{}]|\{version\})+$/,
  expected: "a path, in which {version} is the only placeholder",
});

export const projectSection = section({
  app: optional(appNameSchema, "The app's name, the same for all its releases."),
  artifact: optional(
    artifactTemplate,
    "Tarball (.tar, .tar.gz, .tar.zst) or folder to publish, relative to this file; `{version}` becomes the version.",
  ),
  hooks: optional(
    section({
      preActivate: optional(hookSection, "Run in the release that is live before the switch: drain, stop."),
      postActivate: optional(hookSection, "Run in the release that has just become live: start."),
    }),
    "Programs that a node runs around the switch.",
  ),
  health: optional(healthSection, "How a node proves that the release works."),
  strategy: optional(
    strategySection,
    "How `fleet release` proceeds through the fleet when no flag says otherwise.",
  ),
  coordinator: optional(
    section({ url: optional(httpUrl, "Where the coordinator is: http://HOST:PORT.") }),
    "The coordinator that this app is released through.",
  ),
});

export type ProjectSection = Infer<typeof projectSection>;

export function hooksOf(project: ProjectSection | null): Hooks {
  const hooks = project?.hooks ?? null;
  return {
    preActivate: hookOf(hooks?.preActivate ?? null),
    postActivate: hookOf(hooks?.postActivate ?? null),
  };
}

export function healthOf(project: ProjectSection | null): HealthPolicy {
  const health = project?.health ?? null;
  return {
    probes: probesOf(health),
    intervalMs: health?.interval ?? HEALTH_DEFAULTS.intervalMs,
    timeoutMs: health?.timeout ?? HEALTH_DEFAULTS.timeoutMs,
    successes: health?.successes ?? HEALTH_DEFAULTS.successes,
    startPeriodMs: health?.startPeriod ?? HEALTH_DEFAULTS.startPeriodMs,
  };
}

function hookOf(hook: Infer<typeof hookSection> | null): HookSpec | null {
  return hook === null ? null : { argv: hook.run, timeoutMs: hook.timeout ?? HOOK_TIMEOUT_MS_DEFAULT };
}

function probesOf(health: Infer<typeof healthSection> | null): readonly Probe[] {
  const http = (health?.http ?? []).map((probe): Probe => {
    const { url, status } = typeof probe === "string" ? { url: probe, status: null } : probe;
    return { kind: "http", url, expectStatus: status ?? 200 };
  });
  const tcp = (health?.tcp ?? []).map((address): Probe => ({ kind: "tcp", address }));
  const exec = (health?.exec ?? []).map((program): Probe => ({ kind: "exec", argv: program }));
  return [...http, ...tcp, ...exec];
}

function shareSchema(): Schema<Share> {
  return {
    decode(value, path) {
      try {
        if (typeof value === "number" || typeof value === "string") return parseShare(String(value), path);
      } catch {
        // Told below in the words of every other mistake in the file.
      }
      throw new DecodeError(path, `a number of nodes from 1 to ${NODES_MAX}, or a share from 1% to 100%`);
    },
    json: { anyOf: [integer(1, NODES_MAX).json, { type: "string", pattern: "^[0-9]{1,9}%?$" }] },
  };
}
