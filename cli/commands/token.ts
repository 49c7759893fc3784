// `fleet token create|list|revoke`: works on the coordinator's data folder, also while a coordinator runs on it.
import type { Command } from "commander";
import type { TokenStore, TokenView } from "../../coordinator/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import { type PublicKey, publicKeySchema } from "../../protocol/ids.ts";
import { TRUSTED_KEYS_MAX } from "../../protocol/limits.ts";
import { formatToken, type TokenKind } from "../../protocol/shell/token.ts";
import {
  type Context,
  collect,
  decodeFlag,
  type GlobalFlags,
  type Outcome,
  type Run,
  withJson,
} from "../command.ts";
import { DURATION_EXAMPLES, parseDuration } from "../config/duration.ts";
import { resolvePath } from "../config/paths.ts";
import { formatTable } from "../format/table.ts";
import { clean } from "../format/text.ts";
import { formatAgo, formatTime } from "../format/units.ts";

interface DataFlags extends GlobalFlags {
  readonly data: string;
}

interface CreateFlags extends DataFlags {
  readonly trust: readonly string[];
  readonly expires?: string;
  readonly note: string;
}

const DAY_MS = 24 * 60 * 60_000;
/** A join token is used within the hour; an operator's has to outlive a quarter, and then be renewed. */
const LIFETIME_MS: Readonly<Record<TokenKind, number>> = { node: DAY_MS, operator: 90 * DAY_MS };
const LIFETIME_MS_MAX = 3_650 * DAY_MS;
const NOTE_CHARS_MAX = 200;

export function registerToken(program: Command, run: Run): void {
  const token = program
    .command("token")
    .summary("create, list and revoke tokens")
    .description(
      "Tokens let nodes join and operators give commands. Run this where the coordinator's data folder is.",
    );
  withData(token.command("create <kind>"))
    .summary("create a `node` or `operator` token and print it")
    .description(
      "Create a token and print it, alone, on stdout; it cannot be shown again. A node token also carries the " +
        "publisher keys that nodes which join with it will trust.",
    )
    .option("--trust <publickey>", "publisher key that joining nodes trust; repeatable", collect, [])
    .option("--expires <duration>", "lifetime, or `never` (default: 24h for node, 90d for operator)")
    .option("--note <text>", "what it is for, shown by `fleet token list`", "")
    .action((kind: string, flags: CreateFlags) => run(flags, (context) => createToken(context, kind, flags)));
  withData(token.command("list"))
    .summary("list all tokens, without their secrets")
    .action((flags: DataFlags) => run(flags, (context) => listTokens(context, flags)));
  withData(token.command("revoke <id>"))
    .summary("make a token useless from now on")
    .action((id: string, flags: DataFlags) => run(flags, (context) => revokeToken(context, id, flags)));
}

async function createToken(context: Context, source: string, flags: CreateFlags): Promise<Outcome> {
  const kind = parseKind(source);
  const trust = parseTrust(flags.trust);
  if (kind === "operator" && trust.length > 0)
    throw new FleetError("usage", "--trust is for node tokens: it is nodes that check who signed a release");
  if (flags.note.length > NOTE_CHARS_MAX)
    throw new FleetError("usage", `--note is longer than ${NOTE_CHARS_MAX} characters`);
  const expiresAt = expiryOf(kind, flags.expires, context.host.now());
  if (kind === "node" && trust.length === 0)
    context.output.note(
      "warning: this token names no publisher key to trust, so nodes that join with it refuse every release " +
        'unless they are started with --trust; add --trust "$(fleet key show)"',
    );
  return withStore(context, flags, (store) => {
    const token = store.create(kind, { trust, expiresAt, note: flags.note });
    const text = formatToken(token);
    return { exitCode: 0, json: { token: text, id: token.id, kind, trust, expiresAt }, text: () => [text] };
  });
}

function listTokens(context: Context, flags: DataFlags): Promise<Outcome> {
  return withStore(context, flags, (store) => {
    const tokens = store.list();
    return { exitCode: 0, json: { tokens }, text: () => tokenTable(tokens, context.host.now()) };
  });
}

function revokeToken(context: Context, id: string, flags: DataFlags): Promise<Outcome> {
  return withStore(context, flags, (store) => {
    store.revoke(id);
    return { exitCode: 0, json: { revoked: id }, text: () => [`revoked ${id}`] };
  });
}

async function withStore(
  { host }: Context,
  flags: DataFlags,
  use: (store: TokenStore) => Outcome,
): Promise<Outcome> {
  const { openTokenStore } = await import("../../coordinator/index.ts");
  const store = openTokenStore(resolvePath(host, host.cwd, flags.data));
  try {
    return use(store);
  } finally {
    store.close();
  }
}

function tokenTable(tokens: readonly TokenView[], now: number): readonly string[] {
  if (tokens.length === 0) return ["no tokens yet; make one with `fleet token create`"];
  const columns = ["ID", "KIND", "STATE", "EXPIRES", "LAST USED", "TRUSTS", "NOTE"].map((heading) => ({
    heading,
  }));
  const rows = tokens.map((token) => [
    token.id,
    token.kind,
    stateOf(token, now),
    token.expiresAt === null ? "never" : formatTime(token.expiresAt),
    token.lastUsedAt === null ? "never" : formatAgo(now - token.lastUsedAt),
    token.trust.map((key) => `${key.slice(0, 8)}…`).join(" ") || "-",
    clean(token.note),
  ]);
  return formatTable(columns, rows);
}

function stateOf(token: TokenView, now: number): string {
  if (token.revokedAt !== null) return "revoked";
  return token.expiresAt !== null && token.expiresAt <= now ? "expired" : "valid";
}

function parseKind(source: string): TokenKind {
  if (source === "node" || source === "operator") return source;
  throw new FleetError("usage", `a token is for a \`node\` or an \`operator\`, not for ${source}`);
}

export function parseTrust(sources: readonly string[]): readonly PublicKey[] {
  const keys = new Set(sources.map((source) => decodeFlag(publicKeySchema, source, { name: "--trust" })));
  if (keys.size <= TRUSTED_KEYS_MAX) return [...keys];
  throw new FleetError("usage", `--trust: ${keys.size} keys; at most ${TRUSTED_KEYS_MAX}`);
}

function expiryOf(kind: TokenKind, source: string | undefined, now: number): number | null {
  if (source === "never") return null;
  const lifetimeMs = source === undefined ? LIFETIME_MS[kind] : parseDuration(source);
  if (lifetimeMs === null || lifetimeMs < 1 || lifetimeMs > LIFETIME_MS_MAX)
    throw new FleetError("usage", `--expires ${source}: expected ${DURATION_EXAMPLES}, or never`);
  return now + lifetimeMs;
}

function withData(command: Command): Command {
  return withJson(command).requiredOption("--data <dir>", "the coordinator's data folder");
}
