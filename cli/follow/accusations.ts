// What nodes hold against each other in a rollout, as lines: always with who says so. Pure.
import type { RolloutView } from "../../protocol/api.ts";
import { clean } from "../format/text.ts";

/** The first of them; `fleet explain NODE` and `fleet status --json` have all. */
export function accusations(rollout: RolloutView, linesMax: number): readonly string[] {
  const { offences } = rollout;
  const shown = offences.slice(0, linesMax).map(({ message }) => clean(message));
  const more = offences.length - shown.length;
  return more === 0 ? shown : [...shown, `and ${more} more: fleet status --json`];
}
