// `fleet torrent VERSION`: the .torrent file of a release, for BitTorrent clients that are not fleet's.
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
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
import { clean } from "../format/text.ts";

interface TorrentFlags extends GlobalFlags {
  readonly out?: string;
}

export function registerTorrent(program: Command, run: Run): void {
  withApp(withConnection(program.command("torrent <version>")))
    .summary("write the .torrent file of a release")
    .description(
      "Write the .torrent file of a published release, for BitTorrent clients that are not fleet's. It names no " +
        "tracker: add the addresses that are shown as peers. While a release is staged its nodes serve such clients, " +
        "and fetch from them; what a client sends is believed no more than what anybody else does.",
    )
    .option("--out <file>", "where to write it (default: APP-VERSION.torrent)")
    .action((version: string, flags: TorrentFlags) =>
      run(flags, (context) => writeTorrent(context, version, flags)),
    );
}

async function writeTorrent(context: Context, source: string, flags: TorrentFlags): Promise<Outcome> {
  const { host } = context;
  const version = decodeFlag(versionSchema, source, { name: "VERSION", code: "version-invalid" });
  const app = context.settings().app();
  const client = context.client();
  const release = await client.release(app, version);
  if (release === null) throw new FleetError("release-unknown", `${app} ${version} is not published`);
  const { infoHash } = release.manifest.artifact;
  const torrentInfo = await client.torrentInfo(app, version);
  if (createHash("sha1").update(torrentInfo).digest("hex") !== infoHash)
    throw new FleetError(
      "manifest-invalid",
      `the torrent of ${app} ${version} is not the one in its manifest`,
    );
  const nodes = await client.nodes();
  const peers = nodes.filter(({ online }) => online).map(({ address }) => address);
  const file = resolvePath(host, host.cwd, flags.out ?? `${app}-${version}.torrent`);
  await save(file, Buffer.concat([Buffer.from("d4:info"), torrentInfo, Buffer.from("e")]));
  return {
    exitCode: 0,
    json: { app, version, infoHash, file, peers },
    text: () => [`${clean(file)}  ${infoHash}`, ...peers.map((peer) => `  peer ${clean(peer)}`)],
  };
}

async function save(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes);
  } catch (cause) {
    throw new FleetError("storage-failed", `cannot write ${file}: ${(cause as Error).message}`, {
      cause,
      next: "Give a file in a folder that you may write to with --out.",
    });
  }
}
