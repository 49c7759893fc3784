// The whole environment a hook or exec probe sees: three variables of the agent's own, and what fleet says about the
// release, the node and its labels. Nothing else gets through, so no secret of the agent's does.
import type { NodeId } from "../../protocol/ids.ts";
import type { ReleaseRef } from "../../protocol/manifest.ts";
import type { Labels } from "../../protocol/messages.ts";
import type { LinkTarget } from "../core/app-journal.ts";
import type { RootPaths } from "./state-directory.ts";

const PASSED_THROUGH = ["PATH", "HOME", "LANG"];

export interface NodeFacts {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly labels: Labels;
}

export interface HookContext {
  readonly release: ReleaseRef;
  /** Directory name under versions/. */
  readonly directory: string;
  /** `preActivate`, `postActivate` or `probe`. */
  readonly hook: string;
  /** What was live when the order began; null when nothing was, or for a probe. */
  readonly previous: LinkTarget | null;
}

export function hookEnvironment(
  context: HookContext,
  node: NodeFacts,
  paths: RootPaths,
): Readonly<Record<string, string>> {
  const { app, version } = context.release;
  const environment: Record<string, string> = {};
  for (const name of PASSED_THROUGH) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  // Sorted, so that of two labels with one variable name the same one always wins.
  for (const [label, value] of Object.entries(node.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    environment[`FLEET_LABEL_${label.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`] = value;
  return {
    ...environment,
    FLEET_APP: app,
    FLEET_VERSION: version,
    FLEET_RELEASE_DIR: paths.version(app, context.directory),
    FLEET_LIVE_LINK: paths.live(app),
    FLEET_SHARED_DIR: paths.shared(app),
    FLEET_NODE_ID: node.nodeId,
    FLEET_NODE_NAME: node.name,
    FLEET_HOOK: context.hook,
    FLEET_PREVIOUS_VERSION: context.previous?.release?.version ?? "",
  };
}
