// Where fleet keeps what belongs to the user: the publisher's key and the user's own settings.
import { isAbsolute, join, resolve } from "node:path";
import type { Host } from "../host.ts";

/**
 * `$XDG_CONFIG_HOME/fleet`, by default `~/.config/fleet`; a relative XDG path is ignored, as its specification
 * asks.
 */
export function configDirectory(host: Pick<Host, "env" | "homeDirectory">): string {
  const xdg = host.env.XDG_CONFIG_HOME ?? "";
  return join(isAbsolute(xdg) ? xdg : join(host.homeDirectory, ".config"), "fleet");
}

export function publisherKeyPath(host: Pick<Host, "env" | "homeDirectory">): string {
  return join(configDirectory(host), "publisher.key");
}

export function userConfigPath(host: Pick<Host, "env" | "homeDirectory">): string {
  return join(configDirectory(host), "config.yaml");
}

/** A path as written in a file or on the command line, seen from `base`; `~/` is the home folder. */
export function resolvePath(host: Pick<Host, "homeDirectory">, base: string, path: string): string {
  return path.startsWith("~/") ? join(host.homeDirectory, path.slice(2)) : resolve(base, path);
}
