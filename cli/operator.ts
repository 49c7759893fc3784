// Who the others are told it was that changed something: USER@HOST, which nobody checks.
import { OPERATOR_CHARS_MAX } from "../protocol/limits.ts";
import { clean } from "./format/text.ts";
import type { Host } from "./host.ts";

export function operatorOf({ env, hostName }: Host): string {
  const user = env.USER || env.LOGNAME || env.USERNAME || "somebody";
  return clean(`${user}@${hostName}`).slice(0, OPERATOR_CHARS_MAX);
}
