// The links of a fleet as the max-min solver counts them, and which of them a transfer between two nodes crosses.
// Numbers only: no rates are shared out here.

import type { FleetModel } from "./fleet.ts";
import { LINKS_PER_FLOW, NO_LINK } from "./max-min.ts";

/** The origin's rank: it only sends. */
export const ORIGIN_RANK = -1;

/** Who sends to whom, by rank; the source may be `ORIGIN_RANK`. */
export interface Transfer {
  readonly source: number;
  readonly destination: number;
}

/** Uplinks of the nodes, then the origin's, then downlinks, then the ways out of each zone, then the ways in. */
export class FleetLinks {
  /** Bytes per second of each link. Links of zones that never limit are listed with 0, and no flow is put on them. */
  readonly capacities: Float64Array;
  readonly #fleet: FleetModel;

  constructor(fleet: FleetModel) {
    this.#fleet = fleet;
    const zoneRates = fleet.zones.map(({ bytesPerSecond }) => bytesPerSecond ?? 0);
    this.capacities = new Float64Array([
      ...fleet.nodes.up,
      fleet.origin.upBytesPerSecond,
      ...fleet.nodes.down,
      ...zoneRates,
      ...zoneRates,
    ]);
  }

  /** Writes the links that flow number `flow` crosses into its row of the solver's table. */
  route(links: Int32Array, flow: number, { source, destination }: Transfer): void {
    const { nodes, zones, origin } = this.#fleet;
    const nodeCount = nodes.up.length;
    const from = source === ORIGIN_RANK ? origin.zone : (nodes.zone[source] ?? 0);
    const to = nodes.zone[destination] ?? 0;
    const wayOut = 2 * nodeCount + 1 + from;
    const wayIn = 2 * nodeCount + 1 + zones.length + to;
    const limits = (zone: number): boolean => from !== to && (zones[zone]?.bytesPerSecond ?? null) !== null;
    const row = flow * LINKS_PER_FLOW;
    links[row] = source === ORIGIN_RANK ? nodeCount : source;
    links[row + 1] = nodeCount + 1 + destination;
    links[row + 2] = limits(from) ? wayOut : NO_LINK;
    links[row + 3] = limits(to) ? wayIn : NO_LINK;
  }
}
