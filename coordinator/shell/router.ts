// Finds the route for a method and a path. Patterns are literal segments and `:name` for one segment. Runs nothing.
import { FleetError } from "../../protocol/errors.ts";

export interface Route<Handler> {
  readonly method: "GET" | "HEAD" | "PUT" | "POST";
  /** For example `/v1/releases/:app/:version`. */
  readonly pattern: string;
  /** What the caller must be: `anyone` needs no token. */
  readonly role: "anyone" | "operator";
  readonly handler: Handler;
}

export type RouteMatch<Handler> =
  | { readonly kind: "found"; readonly route: Route<Handler>; readonly params: ReadonlyMap<string, string> }
  /** The path exists, but not for this method. */
  | { readonly kind: "wrong-method"; readonly allowed: readonly string[] }
  | { readonly kind: "unknown" };

export class Router<Handler> {
  readonly #routes: readonly { readonly route: Route<Handler>; readonly segments: readonly string[] }[];

  constructor(routes: readonly Route<Handler>[]) {
    this.#routes = routes.map((route) => ({ route, segments: route.pattern.split("/") }));
  }

  /** `path` is still percent-encoded. Throws FleetError not-found when it cannot be decoded. */
  match(method: string, path: string): RouteMatch<Handler> {
    const given = path.split("/").map(decodeSegment);
    const allowed: string[] = [];
    for (const { route, segments } of this.#routes) {
      const params = matchSegments(segments, given);
      if (params === null) continue;
      if (route.method === method) return { kind: "found", route, params };
      allowed.push(route.method);
    }
    return allowed.length === 0 ? { kind: "unknown" } : { kind: "wrong-method", allowed };
  }
}

function matchSegments(
  pattern: readonly string[],
  given: readonly string[],
): ReadonlyMap<string, string> | null {
  if (pattern.length !== given.length) return null;
  const params = new Map<string, string>();
  for (const [index, expected] of pattern.entries()) {
    const found = given[index] ?? "";
    if (expected.startsWith(":")) params.set(expected.slice(1), found);
    else if (expected !== found) return null;
  }
  return params;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new FleetError("not-found", "the path is not percent-encoded UTF-8", { cause });
  }
}
