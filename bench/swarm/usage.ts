// What processes and the machine have used so far, from /proc. Reads only.
import { readFileSync } from "node:fs";
import type { BenchProcess } from "./processes.ts";

/** Linux reports times to user space in hundredths of a second on every architecture. */
const TICKS_PER_SECOND = 100;

/** CPU time and peak memory of the processes of one run, also of those that have been killed since. */
export class Meter {
  readonly #running = new Set<BenchProcess>();
  readonly #peaks = new Map<BenchProcess, number>();
  #retiredSeconds = 0;

  add(process: BenchProcess): void {
    this.#running.add(process);
  }

  /** Call it just before a process is killed: nobody can be asked afterwards. */
  retire(process: BenchProcess): void {
    if (!this.#running.has(process)) return;
    this.peakMebibytes(process);
    this.#retiredSeconds += cpuSecondsOf(process.pid) ?? 0;
    this.#running.delete(process);
  }

  cpuSeconds(): number {
    return [...this.#running].reduce((sum, { pid }) => sum + (cpuSecondsOf(pid) ?? 0), this.#retiredSeconds);
  }

  /** The most memory it ever had resident; null when it was gone before anybody asked. */
  peakMebibytes(process: BenchProcess): number | null {
    const peak = peakMebibytesOf(process.pid) ?? this.#peaks.get(process) ?? null;
    if (peak !== null) this.#peaks.set(process, peak);
    return peak;
  }
}

/** CPU seconds of a process, of its threads, and of its children that have ended; null once it is gone. */
function cpuSecondsOf(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name, in parentheses, may hold spaces. utime, stime, cutime and cstime are fields 14 to 17 of the whole line.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / TICKS_PER_SECOND;
}

function peakMebibytesOf(pid: number): number | null {
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
