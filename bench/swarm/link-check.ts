// Shows that the links really have the rate that was asked for, before anything is measured on them.
import { fileURLToPath } from "node:url";
import type { Host, Network } from "./network.ts";
import type { Processes } from "./processes.ts";

const PROBE = fileURLToPath(new URL("link-probe.ts", import.meta.url));
const BYTES_PER_MEGABIT = 125_000;
/** Long enough to tell the rate from the burst, short enough not to be waited for. */
const PROBE_SECONDS = 1;
/** What passes at once when a transfer begins: on a slow link, little of it must not look like a higher rate. */
const PROBE_BYTES_MIN = 2 * 1024 * 1024;
/** Headers take 5 %; more than the whole rate means that something passes beside the shaper. */
const SHARE_MAX = 1.02;

/** Payload that TCP moved, as a share of the nominal rate of the slower end. */
export interface LinkCheck {
  readonly originToNode: number;
  readonly nodeToOrigin: number;
}

/** Null for links that are not shaped. Throws when data moves faster than the links allow. */
export async function checkLinks(processes: Processes, network: Network): Promise<LinkCheck | null> {
  const [origin, node] = network.hosts;
  if (origin === undefined || node === undefined) throw new Error("a network without hosts");
  if (origin.mbit === null || node.mbit === null) return null;
  const nominal = Math.min(origin.mbit, node.mbit) * BYTES_PER_MEGABIT;
  const bytes = Math.max(PROBE_BYTES_MIN, Math.round(nominal * PROBE_SECONDS));
  const probe = async (from: Host, to: Host) =>
    (await transfer(processes, network, { from, to, bytes })) / nominal;
  const check = { originToNode: await probe(origin, node), nodeToOrigin: await probe(node, origin) };
  if (Math.max(check.originToNode, check.nodeToOrigin) > SHARE_MAX)
    throw new Error(`the links are not shaped: TCP moves ${JSON.stringify(check)} times their rate`);
  return check;
}

interface Transfer {
  readonly from: Host;
  readonly to: Host;
  readonly bytes: number;
}

async function transfer(
  processes: Processes,
  network: Network,
  { from, to, bytes }: Transfer,
): Promise<number> {
  const options = { cwd: "/", env: { PATH: process.env.PATH } };
  const listening = Promise.withResolvers<number>();
  const server = processes.start(
    network.on(from, [process.execPath, PROBE, "serve", from.address, String(bytes)]),
    {
      ...options,
      onLine: (line) => listening.resolve((JSON.parse(line) as { port: number }).port),
    },
  );
  void server.exited.then((code) =>
    listening.reject(new Error(`a probe ended with ${code}\n${server.lastWords()}`)),
  );
  const port = await listening.promise;
  const fetch = [process.execPath, PROBE, "fetch", from.address, String(port)];
  const answer = await processes.run(network.on(to, fetch), options);
  await server.exited;
  return (JSON.parse(answer) as { bytesPerSecond: number }).bytesPerSecond;
}
