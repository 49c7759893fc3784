// What processes and the machine have used so far, from /proc. Reads only.
import { readFileSync } from "node:fs";

/** Linux reports times to user space in hundredths of a second on every architecture. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of one process, its threads included; null once it is gone. */
export function cpuSecondsOf(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name, in parentheses, may hold spaces; user and system time are fields 14 and 15 of the whole line.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The most memory a process ever had resident, in MiB; null once it is gone. */
export function peakMebibytesOf(pid: number): number | null {
  const kibibytes = /VmHWM:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`) ?? "")?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) / 1024;
}

export interface MachineTimes {
  readonly idle: number;
  readonly total: number;
}

export function machineTimes(): MachineTimes {
  const [first = ""] = (read("/proc/stat") ?? "").split("\n");
  // user nice system idle iowait irq softirq steal; guest times are part of user and nice already.
  const fields = first.trim().split(/\s+/).slice(1, 9).map(Number);
  const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
  return { idle, total: fields.reduce((sum, field) => sum + field, 0) };
}

/** Share of all cores' time that nothing ran in, from 0 to 1. */
export function idleShare(before: MachineTimes, after: MachineTimes): number {
  const total = after.total - before.total;
  return total === 0 ? 1 : (after.idle - before.idle) / total;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
