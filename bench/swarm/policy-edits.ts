// How a policy other than the one that ships gets into a real process: the few lines of the sources that make the
// policy are changed as they are loaded. So the product has no switch that could be left on, and a line that is not
// there any more is found at once. Pure.
import type { Policy } from "../../sim/core/scenario.ts";

export interface Edit {
  /** From the root of the sources. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** None for the policy that ships. */
export function editsFor({ injection, rings, trees, picking, endgame }: Policy): readonly Edit[] {
  const edits: Edit[] = [];
  if (!injection)
    edits.push({
      file: "peer/shell/swarm-torrent.ts",
      from: "const injects = options.complete && options.ownId === ORIGIN_ID;",
      to: "const injects = false;",
    });
  // Said again, not imported: graph.ts would be loaded before it is changed.
  if (rings !== null)
    edits.push({
      file: "coordinator/core/graph.ts",
      from: "export const RING_COUNT = 4;",
      to: `export const RING_COUNT = ${rings};`,
    });
  if (!trees)
    edits.push({
      file: "coordinator/core/stripe-trees.ts",
      from: "export const TREE_MEMBERS_MIN = 32;",
      to: "export const TREE_MEMBERS_MIN = Number.MAX_SAFE_INTEGER;",
    });
  const config = "peer/core/download-config.ts";
  if (picking !== "rarest")
    edits.push({ file: config, from: 'pickOrder: "rarest"', to: `pickOrder: "${picking}"` });
  if (!endgame) edits.push({ file: config, from: "asksRivals: true", to: "asksRivals: false" });
  return edits;
}

/** Throws when what is to be changed is not there exactly once. */
export function edited(source: string, { file, from, to }: Edit): string {
  const [before, after, ...more] = source.split(from);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} does not say once: ${from}`);
  return `${before}${to}${after}`;
}
