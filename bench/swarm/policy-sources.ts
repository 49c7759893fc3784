// Makes this process load the sources of another policy: they are changed between the disk and the compiler. Must be
// called before any of them is loaded.
import { registerHooks } from "node:module";
import { POLICIES, type PolicyName } from "../../sim/core/policies.ts";
import { edited, editsFor } from "./policy-edits.ts";

const ROOT = new URL("../../", import.meta.url).href;

export function loadSourcesOf(policy: PolicyName): void {
  const edits = editsFor(POLICIES[policy]);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const own = edits.filter(({ file }) => url === `${ROOT}${file}`);
      if (own.length === 0) return loaded;
      const { source } = loaded;
      const text = typeof source === "string" ? source : new TextDecoder().decode(source ?? undefined);
      return { ...loaded, source: own.reduce(edited, text) };
    },
  });
}
