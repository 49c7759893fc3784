// A network that cannot be: every block takes half the time that its links need. What checks runs must notice.
import { BLOCK_BYTES } from "../../../peer/core/geometry.ts";
import type { SwarmOutcome } from "../../../sim/core/outcome.ts";
import type { SimulationRun } from "../../../sim/core/run-bounds.ts";
import { EVENT } from "../../../sim/core/swarm-events.ts";
import type { Network, NetworkOptions } from "../../../sim/core/swarm-network.ts";
import { simulateSwarm } from "../../../sim/core/swarm-run.ts";

const TIMES_TOO_FAST = 2;

function impossibleNetwork({ queue, members }: NetworkOptions): Network {
  const freeAt = members.map(() => 0);
  return {
    crossZoneBytes: 0,
    wayMs: () => 0,
    send(from, to, about, now) {
      const { index, upBytesPerMs } = from.options;
      const leftAt = Math.max(now, freeAt[index] ?? 0) + BLOCK_BYTES / upBytesPerMs / TIMES_TOO_FAST;
      freeAt[index] = leftAt;
      queue.push(leftAt, EVENT.arrived, to.options.index, about);
    },
    arrive: () => true,
    cross: () => undefined,
    drain: () => undefined,
  };
}

export function simulateTooFast(run: SimulationRun): SwarmOutcome {
  return simulateSwarm(run, {}, impossibleNetwork);
}
