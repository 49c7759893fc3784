// Host and port as people and URLs write them.

/** Node reports IPv4 peers of a dual-stack socket as `::ffff:1.2.3.4`. */
export function plainAddress(address: string | undefined): string {
  return (address ?? "unknown").replace(/^::ffff:/, "");
}

export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}

/** `http://HOST:PORT`; for a wildcard the loopback address, which is one of those it listens on. */
export function httpUrl(host: string, port: number): string {
  const reachable = isWildcard(host) ? "127.0.0.1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}
