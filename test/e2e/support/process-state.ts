// What the kernel says of a running process: its memory and its sockets. Linux only, as the end-to-end tests are.
import { readdir, readFile, readlink, writeFile } from "node:fs/promises";

const KIB = 1024;

/** Resident memory now and the most it has been since {@link forgetPeak}, in bytes. */
export async function memoryOf(
  pid: number,
): Promise<{ readonly rssBytes: number; readonly peakBytes: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const read = (name: string): number =>
    KIB * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  return { rssBytes: read("VmRSS"), peakBytes: read("VmHWM") };
}

/** From here on the peak is counted anew. */
export function forgetPeak(pid: number): Promise<void> {
  return writeFile(`/proc/${pid}/clear_refs`, "5");
}

export interface OpenSockets {
  /** Ports it takes connections on. */
  readonly listening: readonly number[];
  /** Its UDP, raw and packet sockets as `table port`; one without a port has port NaN. */
  readonly datagram: readonly string[];
}

/** Multicast groups that anybody on this machine is in, as the kernel writes them: hexadecimal, last byte first. */
export async function multicastGroups(): Promise<readonly string[]> {
  const text = await readFile("/proc/self/net/igmp", "utf8").catch(() => "");
  return [...text.matchAll(/^\t+([0-9A-F]{8})\s/gm)].map((match) => match[1] ?? "");
}

export async function socketsOf(pid: number): Promise<OpenSockets> {
  const own = await socketInodesOf(pid);
  const rows = async (table: string): Promise<readonly string[]> => {
    const text = await readFile(`/proc/${pid}/net/${table}`, "utf8").catch(() => "");
    return text.split("\n").slice(1);
  };
  const listening: number[] = [];
  for (const row of [...(await rows("tcp")), ...(await rows("tcp6"))]) {
    const { inode, state, port } = parseRow(row);
    if (own.has(inode) && state === TCP_LISTEN) listening.push(port);
  }
  const datagram: string[] = [];
  for (const table of ["udp", "udp6", "udplite", "udplite6", "raw", "raw6"])
    for (const row of await rows(table)) {
      const { inode, port } = parseRow(row);
      if (own.has(inode)) datagram.push(`${table} ${port}`);
    }
  for (const row of await rows("packet"))
    if (own.has(row.trim().split(/\s+/).at(-1) ?? "")) datagram.push("packet NaN");
  return { listening, datagram };
}

/** State of a listening socket in the kernel's tables. */
const TCP_LISTEN = "0A";

/** A row of /proc/net/tcp and its like: number, local address, remote address, state, …, inode. */
function parseRow(row: string): { inode: string; state: string; port: number } {
  const fields = row.trim().split(/\s+/);
  const port = Number.parseInt(fields[1]?.split(":")[1] ?? "", 16);
  return { inode: fields[9] ?? "", state: fields[3] ?? "", port };
}

async function socketInodesOf(pid: number): Promise<ReadonlySet<string>> {
  const inodes = new Set<string>();
  for (const name of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${name}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}
