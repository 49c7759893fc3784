// `fleet publish VERSION [PATH]`: makes a release known, without touching any node.
import type { Command } from "commander";
import { FleetError } from "../../protocol/errors.ts";
import { versionSchema } from "../../protocol/ids.ts";
import {
  type Context,
  decodeFlag,
  type GlobalFlags,
  type Outcome,
  type Run,
  withApp,
  withConnection,
} from "../command.ts";
import { resolvePath } from "../config/paths.ts";
import { formatBytes } from "../format/units.ts";
import { artifactPath, publishRelease, publishText } from "../publish-release.ts";
import { interruptible } from "../stop-signal.ts";

interface PublishFlags extends GlobalFlags {
  readonly key?: string;
  readonly pieceKib?: string;
}

export function registerPublish(program: Command, run: Run): void {
  withApp(withConnection(program.command("publish <version> [path]")))
    .summary("sign and upload a release")
    .description(
      "Hash, sign and upload a tarball (.tar, .tar.gz, .tar.zst) or a folder as a version of the app. Nodes are not " +
        "touched; `fleet stage` and `fleet release` do that. PATH defaults to `artifact` in fleet.yaml. Publishing " +
        "the same content again changes nothing; other content needs another version.",
    )
    .option("--key <file>", "publisher's key (default: publisher.key in ~/.config/fleet)")
    .option(
      "--piece-kib <size>",
      "KiB per piece, a power of two (default: by the sizes of artifact and fleet)",
    )
    .action((version: string, path: string | undefined, flags: PublishFlags) =>
      run(flags, (context) => publish(context, { source: version, path, flags })),
    );
}

async function publish(
  context: Context,
  { source, path, flags }: { source: string; path: string | undefined; flags: PublishFlags },
): Promise<Outcome> {
  const { host } = context;
  const version = decodeFlag(versionSchema, source, { name: "VERSION", code: "version-invalid" });
  const chosen = path === undefined ? artifactPath(context, version) : resolvePath(host, host.cwd, path);
  if (chosen === null)
    throw new FleetError("usage", "no artifact is named", {
      next: "Give its path after the version, or set `artifact:` in fleet.yaml.",
    });
  context.settings().app();
  const pieces = flags.pieceKib === undefined ? {} : { pieceLength: parsePieceKib(flags.pieceKib) };
  const client = context.client();
  const result = await interruptible(host, "stopped before it was published", (signal) =>
    publishRelease(context, client, { version, path: chosen, keyFile: flags.key ?? null, ...pieces, signal }),
  );
  return {
    exitCode: 0,
    json: result,
    text: () => [
      publishText(result, client.url),
      `  ${formatBytes(result.artifactBytes)}, unpacked ${formatBytes(result.unpackedBytes)}; ` +
        `sent ${formatBytes(result.uploadedBytes)}`,
    ],
  };
}

const KIB = 1024;

/** Bytes. Which lengths nodes take is not known here. */
function parsePieceKib(source: string): number {
  if (/^[0-9]{1,6}$/.test(source)) return Number(source) * KIB;
  throw new FleetError("usage", `--piece-kib ${source}: expected a number such as 256`);
}
