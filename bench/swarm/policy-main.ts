// `node policy-main.ts POLICY ARGUMENTS...` is `fleet ARGUMENTS...` with that policy, for comparing policies on real
// links only.
import { POLICY_NAMES } from "../../sim/core/policies.ts";
import { loadSourcesOf } from "./policy-sources.ts";

const [asked] = process.argv.splice(2, 1);
const policy = POLICY_NAMES.find((known) => known === asked);
if (policy === undefined)
  throw new Error(`${asked} is no policy: expected one of ${POLICY_NAMES.join(", ")}`);

loadSourcesOf(policy);
await import("../../cli/main.ts");
