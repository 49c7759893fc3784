// What a watcher knows of a rollout, folded from what the coordinator sends. Pure: times are passed in.
import type { RolloutView } from "../../protocol/api.ts";
import type { Millis } from "../../protocol/ids.ts";
import type { WatchedItem } from "../http/watch.ts";

export interface ViewState {
  readonly rollout: RolloutView;
  /** Received by all nodes together, smoothed. */
  readonly bytesPerSecond: number;
  /** When the last view came, by the watcher's clock. */
  readonly viewedAt: Millis;
  /** Since when each node has been switching, by its name, by the coordinator's clock. */
  readonly switchingSince: ReadonlyMap<string, Millis>;
  readonly isConnected: boolean;
}

/** Time in which an old rate loses half of its weight: rides out single reports, follows a real change. */
const RATE_HALF_LIFE_MS = 1_500;

export function firstState(rollout: RolloutView, now: Millis): ViewState {
  return {
    rollout,
    bytesPerSecond: rateOf(rollout),
    viewedAt: now,
    switchingSince: new Map(),
    isConnected: true,
  };
}

export function nextState(state: ViewState, item: WatchedItem, now: Millis): ViewState {
  switch (item.kind) {
    case "connection":
      return { ...state, isConnected: item.isUp };
    case "history": {
      const { kind, node, at } = item.event;
      if (kind !== "node-activating" || node === null) return state;
      return { ...state, switchingSince: new Map(state.switchingSince).set(node, at) };
    }
    case "rollout": {
      const { rollout } = item;
      const kept = 0.5 ** (Math.max(0, now - state.viewedAt) / RATE_HALF_LIFE_MS);
      const bytesPerSecond = kept * state.bytesPerSecond + (1 - kept) * rateOf(rollout);
      return { ...state, rollout, bytesPerSecond, viewedAt: now };
    }
  }
}

export interface FetchProgress {
  readonly verifiedBytes: number;
  readonly totalBytes: number;
  /** Null when nothing moves or nothing is left. */
  readonly etaSeconds: number | null;
}

/** Nodes that dropped out are not waited for, so their bytes do not count. */
export function fetchProgress(state: ViewState): FetchProgress {
  const { artifactBytes, nodes } = state.rollout;
  const counted = nodes.filter(({ phase }) => phase !== "stage-failed" && phase !== "deferred");
  const totalBytes = counted.length * artifactBytes;
  const verifiedBytes = counted.reduce((sum, node) => sum + Math.min(artifactBytes, node.verifiedBytes), 0);
  const left = totalBytes - verifiedBytes;
  return {
    verifiedBytes,
    totalBytes,
    etaSeconds: left > 0 && state.bytesPerSecond >= 1 ? left / state.bytesPerSecond : null,
  };
}

function rateOf(rollout: RolloutView): number {
  return rollout.nodes.reduce((sum, node) => sum + node.receiveBytesPerSecond, 0);
}
