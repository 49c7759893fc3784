// What the other parts may use of the coordinator.
export type { Coordinator, CoordinatorOptions } from "./shell/run-coordinator.ts";
export { startCoordinator } from "./shell/start-coordinator.ts";
export { openTokenStore, type TokenOptions, type TokenStore, type TokenView } from "./shell/token-store.ts";
