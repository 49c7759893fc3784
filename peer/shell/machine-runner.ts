// Runs one decision core: hands it events with the time, carries out what it wants, and keeps its one timer.
// Decides nothing. Events that come up while effects are carried out wait their turn, so a core never sees two at once.
import type { Millis } from "../../protocol/ids.ts";
import type { Machine } from "../../protocol/machine.ts";

export interface MachineRunner<Event> {
  send(event: Event): void;
  /** After this no event reaches the machine and no effect is carried out. */
  stop(): void;
}

export function runMachine<Event, Effect>(
  machine: Machine<Event | { readonly kind: "tick" }, Effect>,
  options: { now: () => Millis; apply: (effect: Effect) => void },
): MachineRunner<Event> {
  /** Events that came up while another was handled. */
  const queue: (Event | { readonly kind: "tick" })[] = [];
  let running = false;
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;
  let timerAt = 0;

  const handle = (event: Event | { readonly kind: "tick" }): void => {
    for (const effect of machine.handle(event, options.now())) {
      if (stopped) return;
      options.apply(effect);
    }
  };

  /** A timer that is too early costs one tick; one that were moved for each event would cost more. */
  const arm = (): void => {
    const deadline = machine.deadline();
    if (stopped || deadline === null || (timer !== null && timerAt <= deadline)) return;
    if (timer !== null) clearTimeout(timer);
    timerAt = deadline;
    timer = setTimeout(
      () => {
        timer = null;
        send({ kind: "tick" });
      },
      Math.max(0, Math.ceil(deadline - options.now())),
    );
  };

  const send = (event: Event | { readonly kind: "tick" }): void => {
    if (stopped) return;
    if (running) {
      queue.push(event);
      return;
    }
    running = true;
    try {
      handle(event);
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) handle(next);
    } finally {
      running = false;
    }
    arm();
  };

  return {
    send,
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
