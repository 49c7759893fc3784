// Ctrl-C and SIGTERM as an AbortSignal: the first one asks to stop, the second ends the process at once.
import { FleetError } from "../protocol/errors.ts";
import type { Host, StopSignal } from "./host.ts";

const SIGNAL_NUMBERS: Readonly<Record<StopSignal, number>> = { SIGINT: 2, SIGTERM: 15 };

export interface StopWatch {
  readonly signal: AbortSignal;
  /** To be called when stopping is over or no longer of interest: signals then end the process as usual. */
  forget(): void;
}

export function untilStopSignal(host: Host): StopWatch {
  const controller = new AbortController();
  const forget = host.onStopSignal((signal) => {
    if (controller.signal.aborted) host.exit(128 + SIGNAL_NUMBERS[signal]);
    controller.abort(new Error(`stopped by ${signal}`));
  });
  return { signal: controller.signal, forget };
}

/** Runs work that Ctrl-C stops. Throws FleetError interrupted with `message` when it did. */
export async function interruptible<T>(
  host: Host,
  message: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = untilStopSignal(host);
  try {
    return await work(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) throw new FleetError("interrupted", message, { cause: error });
    throw error;
  } finally {
    stop.forget();
  }
}
