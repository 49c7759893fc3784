// What the user's own ~/.config/fleet/config.yaml may say. Pure.
import { flag, type Infer, text } from "../../protocol/schema.ts";
import { bitRateSchema } from "./bit-rate.ts";
import { optional, section } from "./section.ts";

export const userSection = section({
  url: optional(text({ min: 8, max: 2_048 }), "Where the coordinator is: http://HOST:PORT."),
  tokenFile: optional(
    text({ min: 1, max: 4_096 }),
    "File with the operator token, relative to this file; sent only to `url`, if that is set.",
  ),
  uploadMax: optional(bitRateSchema, "Most that a `fleet peer` on this machine sends for the swarm: 50Mbit."),
  downloadMax: optional(bitRateSchema, "Most that a `fleet peer` on this machine fetches: 50Mbit."),
  dht: optional(flag, "false: a `fleet peer` on this machine never looks for nodes by itself."),
});
export type UserSection = Infer<typeof userSection>;
