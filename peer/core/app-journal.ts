// What a node remembers of one app across a crash: the newest order, the step it is in, and what it could go back to.
// Shapes only; activation.ts decides what is written and files.ts how.
import { appNameSchema, type Generation, rolloutIdSchema } from "../../protocol/ids.ts";
import {
  HEALTH_TIMEOUT_MS_MAX,
  LOG_LINE_CHARS_MAX,
  LOG_TAIL_LINES_MAX,
  MESSAGE_CHARS_MAX,
} from "../../protocol/limits.ts";
import { type ReleaseRef, releaseRefSchema, versionDirectoryName } from "../../protocol/manifest.ts";
import { outcomeSchema } from "../../protocol/messages.ts";
import { type Infer, integer, list, literal, nullable, object, text, union } from "../../protocol/schema.ts";

/** A directory under `versions/` for the live link. Without a release: found there, not installed by us. */
export const linkTargetSchema = object({
  directory: text({
    min: 1,
    max: 255,
    pattern: /^[A-Za-z0-9][A-Za-z0-9._+-]*$/,
    expected: "a directory name under versions/",
  }),
  release: nullable(releaseRefSchema),
});
export type LinkTarget = Infer<typeof linkTargetSchema>;

const generation = integer(1);

export const activationOrderSchema = union({
  activate: object({
    kind: literal("activate"),
    generation,
    rolloutId: rolloutIdSchema,
    release: releaseRefSchema,
    healthTimeoutMs: integer(1, HEALTH_TIMEOUT_MS_MAX),
  }),
  deactivate: object({
    kind: literal("deactivate"),
    generation,
    rolloutId: rolloutIdSchema,
    app: appNameSchema,
  }),
});
export type ActivationOrder = Infer<typeof activationOrderSchema>;

export const failureSchema = object({
  code: text({ min: 1, max: 40, pattern: /^[a-z-]+$/ }),
  message: text({ max: MESSAGE_CHARS_MAX }),
  logTail: list(text({ max: LOG_LINE_CHARS_MAX }), LOG_TAIL_LINES_MAX),
});
export type Failure = Infer<typeof failureSchema>;

/** In the order they run: four forward, then the four that put the fallback back. Each may run again after a crash. */
export const activationPhaseSchema = literal(
  "stop-old",
  "switch",
  "start-new",
  "probe-new",
  "stop-new",
  "switch-back",
  "start-old",
  "probe-old",
);
export type ActivationPhase = Infer<typeof activationPhaseSchema>;

export const orderRecordSchema = object({
  order: activationOrderSchema,
  /** What was live when the order began. */
  from: nullable(linkTargetSchema),
  /** What becomes live again when the order fails; null: nothing was there before, so the link goes away. */
  fallback: nullable(linkTargetSchema),
  /** The step that runs or is about to; null once there is an outcome. */
  phase: nullable(activationPhaseSchema),
  /** Why the fallback is being restored. */
  failure: nullable(failureSchema),
  outcome: nullable(outcomeSchema),
});
export type OrderRecord = Infer<typeof orderRecordSchema>;

export const appJournalSchema = object({
  format: literal(1),
  app: appNameSchema,
  /** The release that was last proven healthy here and has not been taken off since. */
  healthy: nullable(linkTargetSchema),
  /** The one that was healthy before it. */
  previous: nullable(linkTargetSchema),
  /** The order that runs or ran last. */
  current: nullable(orderRecordSchema),
  /** A newer order that takes over as soon as the running step ends. */
  next: nullable(activationOrderSchema),
});
export type AppJournal = Infer<typeof appJournalSchema>;

export function linkTargetOf(release: ReleaseRef): LinkTarget {
  return { directory: versionDirectoryName(release.version, release.sha256), release };
}

/** The newest order this node has accepted for the app; 0 when none. Older ones are refused. */
export function newestGeneration(journal: AppJournal): Generation {
  return journal.next?.generation ?? journal.current?.order.generation ?? 0;
}

/** Directories that must stay while this journal stands. */
export function pinnedDirectories(journal: AppJournal): ReadonlySet<string> {
  const { current, next } = journal;
  const wanted = [current?.order, next].map((order) =>
    order?.kind === "activate" ? linkTargetOf(order.release) : null,
  );
  const targets = [journal.healthy, journal.previous, current?.from, current?.fallback, ...wanted];
  return new Set(targets.flatMap((target) => (target ? [target.directory] : [])));
}
