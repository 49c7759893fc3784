// What a watcher knows of a rollout, folded from what the coordinator sends. Pure: times are passed in.
import type { RolloutView } from "../../protocol/api.ts";
import type { Millis } from "../../protocol/ids.ts";
import type { WatchedItem } from "../http/watch.ts";

export interface ViewState {
  readonly rollout: RolloutView;
  /** Verified by all nodes together, at the times of the latest views, oldest first. */
  readonly samples: readonly Sample[];
  /** Since when each node has been switching, by its name, by the coordinator's clock. */
  readonly switchingSince: ReadonlyMap<string, Millis>;
  readonly isConnected: boolean;
}

interface Sample {
  /** By the watcher's clock. */
  readonly at: Millis;
  readonly verifiedBytes: number;
}

/** Long enough to ride out the gaps between reports and between pieces, short enough to follow a real change. */
const RATE_WINDOW_MS = 4_000;
/** A rate over less than this says more about when reports came than about the network. */
const RATE_WINDOW_MS_MIN = 1_000;

export function firstState(rollout: RolloutView, now: Millis): ViewState {
  return { rollout, samples: [sampleOf(rollout, now)], switchingSince: new Map(), isConnected: true };
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
      const recent = state.samples.filter(({ at }) => now - at <= RATE_WINDOW_MS);
      return { ...state, rollout, samples: [...recent, sampleOf(rollout, now)] };
    }
  }
}

/** Bytes per second that all nodes together verify; null while it cannot be told. */
export function fetchRate({ samples, isConnected }: ViewState): number | null {
  if (!isConnected) return null;
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < RATE_WINDOW_MS_MIN) return null;
  return Math.max(0, ((last.verifiedBytes - first.verifiedBytes) * 1000) / (last.at - first.at));
}

export interface FetchProgress {
  readonly verifiedBytes: number;
  readonly totalBytes: number;
  /** Null when it cannot be told, or nothing is left to fetch. */
  readonly bytesPerSecond: number | null;
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
  const bytesPerSecond = left > 0 ? fetchRate(state) : null;
  const etaSeconds = bytesPerSecond === null || bytesPerSecond < 1 ? null : left / bytesPerSecond;
  return { verifiedBytes, totalBytes, bytesPerSecond, etaSeconds };
}

function sampleOf(rollout: RolloutView, at: Millis): Sample {
  return { at, verifiedBytes: rollout.nodes.reduce((sum, node) => sum + node.verifiedBytes, 0) };
}
