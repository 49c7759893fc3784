// `fleet nodes`: which machines there are, and what runs on each.
import type { Command } from "commander";
import type { NodeView } from "../../protocol/api.ts";
import {
  type Context,
  type GlobalFlags,
  type Outcome,
  type Run,
  withApp,
  withConnection,
} from "../command.ts";
import { formatTable } from "../format/table.ts";
import { clean, type Paint } from "../format/text.ts";
import { formatAgo } from "../format/units.ts";

export function registerNodes(program: Command, run: Run): void {
  withApp(withConnection(program.command("nodes")))
    .summary("list the nodes and what runs on each")
    .description(
      "List all nodes that have ever joined: whether they are online, and which version of each app is live.",
    )
    .action((flags: GlobalFlags) => run(flags, listNodes));
}

async function listNodes(context: Context): Promise<Outcome> {
  const client = context.client();
  const app = context.settings().appIfAny();
  const nodes = await client.nodes();
  const now = context.host.now() + client.clockLeadMs();
  return { exitCode: 0, json: { nodes }, text: (paint) => nodeTable(nodes, { app, now, paint }) };
}

function nodeTable(
  nodes: readonly NodeView[],
  { app, now, paint }: { app: string | null; now: number; paint: Paint },
): readonly string[] {
  if (nodes.length === 0) return ["no nodes yet; start `fleet peer` on a machine and it shows up here"];
  const columns = ["NODE", "STATE", "LIVE", "INSTALLED", "LABELS", "ADDRESS", "AGENT"].map((heading) => ({
    heading,
  }));
  const rows = nodes.map((node) => {
    const apps = node.apps.filter((state) => app === null || state.app === app);
    const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
    return [
      node.name,
      node.online ? paint.green("online") : paint.red(`offline, seen ${formatAgo(now - node.lastSeenAt)}`),
      apps.map((state) => named(state.app, state.live ?? "-", app)).join(" ") || "-",
      apps.map((state) => named(state.app, state.installed.join(","), app)).join(" ") || "-",
      clean(labels.join(" ")) || "-",
      clean(node.address),
      clean(node.agentVersion),
    ];
  });
  return formatTable(columns, rows);
}

/** The app's name is only worth its place when more than one app is shown. */
function named(name: string, value: string, app: string | null): string {
  return app === null ? `${name}:${value}` : value;
}
