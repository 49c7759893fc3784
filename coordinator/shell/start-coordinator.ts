// The coordinator with the real swarm and the real checks around it.
import { openSwarm } from "../../peer/index.ts";
import { ORIGIN_ID } from "../../protocol/messages.ts";
import { createArtifactVerifier } from "../../seeder/index.ts";
import { type Coordinator, type CoordinatorOptions, runCoordinator } from "./run-coordinator.ts";

/** FleetError data-locked, schema-newer, data-corrupt, storage-failed, disk-full, port-in-use or listen-failed. */
export function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  return runCoordinator(options, {
    openSwarm: async ({ uploadBytesPerSecondMax, ...place }) => {
      const swarm = await openSwarm({ ...place, id: ORIGIN_ID });
      swarm.setLimits({ uploadBytesPerSecondMax, downloadBytesPerSecondMax: null });
      return swarm;
    },
    createVerifier: createArtifactVerifier,
  });
}
