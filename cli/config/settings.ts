// Which coordinator, token and app a command means: flags before FLEET_URL and FLEET_TOKEN, before fleet.yaml, before
// the user's own config.yaml. A token is read from a file or the environment, never from the command line.
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { FleetError } from "../../protocol/errors.ts";
import { type AppName, appNameSchema } from "../../protocol/ids.ts";
import { DecodeError, decode } from "../../protocol/schema.ts";
import { parseToken } from "../../protocol/shell/token.ts";
import type { Host } from "../host.ts";
import { resolvePath, userConfigPath } from "./paths.ts";
import { checkProject } from "./project-check.ts";
import { type ProjectSection, projectSection } from "./project-schema.ts";
import { type UserSection, userSection } from "./user-schema.ts";
import { readYamlFile } from "./yaml-file.ts";

export interface SettingFlags {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly app?: string;
  readonly config?: string;
}

export interface Settings {
  readonly project: ProjectSection | null;
  /** Folder that paths in fleet.yaml are relative to. */
  readonly projectDirectory: string;
  /** Without a slash at the end. FleetError usage when no source names it or it is no URL. */
  url(): string;
  /** FleetError token-missing, token-wrong, permission-denied or file-missing. */
  operatorToken(): string;
  /** FleetError usage when neither flag nor fleet.yaml names it. */
  app(): AppName;
  appIfAny(): AppName | null;
  /** Of the user's config.yaml, in bytes per second; null when it does not say. */
  readonly uploadMax: number | null;
  readonly downloadMax: number | null;
  /** Of the user's config.yaml: whether nodes may be looked for without the coordinator; true unless it says no. */
  readonly dht: boolean;
}

const PROJECT_FILE = "fleet.yaml";
/** A token with 16 keys is under 1 KiB. */
const TOKEN_FILE_CHARS_MAX = 16 * 1024;

/** Reads fleet.yaml and the user's config.yaml, as far as they exist. FleetError config-invalid or file-missing. */
export function loadSettings(host: Host, flags: SettingFlags): Settings {
  const projectPath = resolvePath(host, host.cwd, flags.config ?? PROJECT_FILE);
  const project = readProject(projectPath, flags.config);
  const userPath = userConfigPath(host);
  const user = readYamlFile(userPath, userSection);
  const appIfAny = () => (flags.app === undefined ? (project?.app ?? null) : appOf(flags.app));
  const url = () => chooseUrl(host, flags, project, user);
  return {
    project,
    projectDirectory: dirname(projectPath),
    url,
    operatorToken: () => readOperatorToken(host, flags, { user, userPath, url: url() }),
    appIfAny,
    uploadMax: user?.uploadMax ?? null,
    downloadMax: user?.downloadMax ?? null,
    dht: user?.dht ?? true,
    app() {
      const app = appIfAny();
      if (app === null)
        throw new FleetError("usage", "no app is named", {
          next: "Give --app NAME, or set `app:` in fleet.yaml.",
        });
      return app;
    },
  };
}

/** Reads `http://HOST:PORT`. FleetError usage naming `source`. */
export function normalizeUrl(value: string, source: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new FleetError("usage", `${source} is not a URL such as http://coordinator:7700: ${value}`);
  if (url.username !== "" || url.password !== "")
    throw new FleetError(
      "usage",
      `${source} must not carry a name or password; use FLEET_TOKEN or --token-file`,
    );
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** The text of a token file, or of FLEET_TOKEN. */
export function readTokenFile(path: string): string {
  try {
    return readFileSync(path, "utf8").slice(0, TOKEN_FILE_CHARS_MAX).trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FleetError("file-missing", `cannot read the token file ${path}: ${why}`, { cause });
  }
}

function readProject(path: string, flag: string | undefined): ProjectSection | null {
  const project = readYamlFile(path, projectSection);
  if (project === null && flag !== undefined)
    throw new FleetError("file-missing", `there is no file ${path}`);
  if (project !== null) checkProject(project, path);
  return project;
}

function chooseUrl(
  host: Host,
  flags: SettingFlags,
  project: ProjectSection | null,
  user: UserSection | null,
): string {
  const environment = host.env.FLEET_URL || undefined;
  if (flags.url !== undefined) return normalizeUrl(flags.url, "--url");
  if (environment !== undefined) return normalizeUrl(environment, "FLEET_URL");
  const projectUrl = project?.coordinator?.url ?? null;
  if (projectUrl !== null) return normalizeUrl(projectUrl, "coordinator.url in fleet.yaml");
  if (user?.url !== null && user?.url !== undefined)
    return normalizeUrl(user.url, `url in ${userConfigPath(host)}`);
  throw new FleetError("usage", "no coordinator is named", {
    next: "Give --url http://HOST:PORT, or set FLEET_URL, or `coordinator: { url: … }` in fleet.yaml.",
  });
}

interface TokenSources {
  readonly user: UserSection | null;
  readonly userPath: string;
  readonly url: string;
}

function readOperatorToken(host: Host, flags: SettingFlags, { user, userPath, url }: TokenSources): string {
  const environment = host.env.FLEET_TOKEN || undefined;
  if (flags.tokenFile !== undefined)
    return operatorToken(readTokenFile(resolvePath(host, host.cwd, flags.tokenFile)));
  if (environment !== undefined) return operatorToken(environment.trim());
  const isForThisUrl = !user?.url || normalizeUrl(user.url, `url in ${userPath}`) === url;
  // A fleet.yaml from somebody else's repository must not be able to have the token sent to an address it names.
  if (user?.tokenFile && isForThisUrl)
    return operatorToken(readTokenFile(resolvePath(host, dirname(userPath), user.tokenFile)));
  throw new FleetError("token-missing", `no operator token for ${url}`);
}

function operatorToken(source: string): string {
  if (parseToken(source).kind === "operator") return source;
  throw new FleetError("permission-denied", "this is a node token, and commands need an operator token");
}

function appOf(value: string): AppName {
  try {
    return decode(appNameSchema, value, "--app");
  } catch (cause) {
    if (cause instanceof DecodeError) throw new FleetError("usage", cause.message, { cause });
    throw cause;
  }
}
