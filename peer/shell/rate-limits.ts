// What this node may move: its own configuration and what the coordinator ordered last, whichever is stricter.
// Passes it on to the swarm; enforces nothing itself.
import type { Logger } from "pino";
import { NO_RATES, type NodeRates, stricterRates } from "../../protocol/rates.ts";

export interface RateLimitsOptions {
  readonly own: NodeRates;
  /** Called at once, and with every change. */
  readonly apply: (rates: NodeRates) => void;
  readonly logger: Logger;
}

export class RateLimits {
  readonly #options: RateLimitsOptions;
  #current: NodeRates;

  constructor(options: RateLimitsOptions) {
    this.#options = options;
    this.#current = stricterRates(options.own, NO_RATES);
    options.apply(this.#current);
  }

  /** What the swarm is held to now. */
  get current(): NodeRates {
    return this.#current;
  }

  /** The coordinator's order takes the place of its last one. It stays while the coordinator is away. */
  order(ordered: NodeRates): void {
    const { own, apply, logger } = this.#options;
    this.#current = stricterRates(own, ordered);
    logger.debug(this.#current, "rate limits");
    apply(this.#current);
  }
}
