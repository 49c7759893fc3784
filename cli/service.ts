// Long-running commands: start, say that it is ready, stop gracefully on the first signal and at once on the second.
import type { Logger } from "pino";
import { FleetError } from "../protocol/errors.ts";
import type { Context, Outcome } from "./command.ts";
import { tuneEngineForService } from "./engine.ts";
import { untilStopSignal } from "./stop-signal.ts";

/** Longer than closing connections and finishing what is being written to disk takes. */
const STOP_TIMEOUT_MS = 30_000;

export interface Service {
  /** Rejects when it had to stop by itself. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

export interface ServicePlan<S extends Service> {
  readonly logger: Logger;
  readonly start: () => Promise<S>;
  /** Says that it is ready, once it is. */
  readonly ready: (service: S) => Promise<void>;
}

/** Exit code 0 when it was asked to stop. Throws what made it stop otherwise. */
export async function runUntilStopped<S extends Service>(
  context: Context,
  plan: ServicePlan<S>,
): Promise<Outcome> {
  tuneEngineForService();
  const stop = untilStopSignal(context.host);
  const stopped = new Promise<"stop">((resolve) => {
    stop.signal.addEventListener("abort", () => resolve("stop"), { once: true });
  });
  try {
    const service = await plan.start();
    try {
      const ended = service.closed.then(() => "closed" as const);
      await Promise.race([stopped, ended, plan.ready(service)]);
      await Promise.race([stopped, ended]);
      plan.logger.info("stopping");
    } finally {
      await closeInTime(service);
    }
    return { exitCode: 0 };
  } finally {
    stop.forget();
  }
}

async function closeInTime(service: Service): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new FleetError("internal", `it did not stop within ${STOP_TIMEOUT_MS / 1000} s`);
    timer = setTimeout(() => reject(error), STOP_TIMEOUT_MS);
  });
  try {
    await Promise.race([service.close(), late]);
  } finally {
    clearTimeout(timer);
  }
}
