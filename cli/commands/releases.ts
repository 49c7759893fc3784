// `fleet releases`: what has been published.
import type { Command } from "commander";
import type { ReleaseView } from "../../protocol/api.ts";
import {
  type Context,
  type GlobalFlags,
  type Outcome,
  type Run,
  withApp,
  withConnection,
} from "../command.ts";
import { formatTable } from "../format/table.ts";
import type { Paint } from "../format/text.ts";
import { formatAgo, formatBytes } from "../format/units.ts";

export function registerReleases(program: Command, run: Run): void {
  withApp(withConnection(program.command("releases")))
    .summary("list the published releases, newest first")
    .description(
      "List the published releases, newest first. `stable` is the last one a rollout finished with; " +
        "`bad` ones were rolled back.",
    )
    .action((flags: GlobalFlags) => run(flags, listReleases));
}

async function listReleases(context: Context): Promise<Outcome> {
  const client = context.client();
  const app = context.settings().appIfAny();
  const releases = await client.releases(app);
  const now = context.host.now() + client.clockLeadMs();
  return { exitCode: 0, json: { releases }, text: (paint) => releaseTable(releases, now, paint) };
}

function releaseTable(releases: readonly ReleaseView[], now: number, paint: Paint): readonly string[] {
  if (releases.length === 0) return ["nothing is published yet; `fleet publish VERSION PATH` does it"];
  const columns = [
    { heading: "APP" },
    { heading: "VERSION" },
    { heading: "NUMBER", align: "right" },
    { heading: "STANDING" },
    { heading: "SIZE", align: "right" },
    { heading: "PUBLISHED" },
    { heading: "SHA-256" },
    { heading: "SIGNED BY" },
  ] as const;
  const newestFirst = releases.toSorted((a, b) =>
    a.manifest.app < b.manifest.app
      ? -1
      : a.manifest.app > b.manifest.app
        ? 1
        : b.manifest.sequence - a.manifest.sequence,
  );
  const rows = newestFirst.map(({ manifest, standing, publishedAt, signedBy }) => [
    manifest.app,
    manifest.version,
    String(manifest.sequence),
    standing === "stable" ? paint.green(standing) : standing === "bad" ? paint.red(standing) : standing,
    formatBytes(manifest.artifact.length),
    formatAgo(now - publishedAt),
    `${manifest.artifact.sha256.slice(0, 12)}…`,
    signedBy.map((key) => `${key.slice(0, 8)}…`).join(" "),
  ]);
  return formatTable(columns, rows);
}
