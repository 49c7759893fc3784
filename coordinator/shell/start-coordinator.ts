// The coordinator with the real swarm and the real checks around it.
import { openSwarm } from "../../peer/index.ts";
import { ORIGIN_ID } from "../../protocol/messages.ts";
import { createArtifactVerifier } from "../../seeder/index.ts";
import { type Coordinator, type CoordinatorOptions, runCoordinator } from "./run-coordinator.ts";

/** FleetError data-locked, schema-newer, data-corrupt, storage-failed, disk-full, port-in-use or listen-failed. */
export function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  return runCoordinator(options, {
    openSwarm: (swarm) => openSwarm({ ...swarm, id: ORIGIN_ID }),
    createVerifier: createArtifactVerifier,
  });
}
