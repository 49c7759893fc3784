// Stage orders for the staging machine, and its answers in short.
import type { StagingEffect, StagingEvent } from "../../../peer/core/staging-events.ts";
import { type Manifest, releaseRefOf } from "../../../protocol/manifest.ts";
import type { StageOrder } from "../../../protocol/messages.ts";

const neighbour = { id: "origin", host: "10.0.0.1", port: 7_000, dial: true, far: null, feeds: null };

export function stageOrder(manifest: Manifest, generation: number): StageOrder {
  return {
    kind: "stage",
    generation,
    release: releaseRefOf(manifest),
    signed: { manifest: "{}", signatures: [] },
    torrentInfo: new Uint8Array([1]),
    neighbours: [neighbour],
    rank: 0,
    rankCount: 1,
    awaitsGo: false,
    paused: false,
  };
}

export function ordered(
  manifest: Manifest,
  generation = 1,
  here: { installed?: boolean; tarball?: boolean } = {},
): StagingEvent {
  const { installed = false, tarball = false } = here;
  return { kind: "order", order: stageOrder(manifest, generation), manifest, installed, tarball };
}

export const transfer = { verifiedBytes: 1_000, receivedBytes: 1_100, uploadedBytes: 300 };

/** What is noted for the next start. */
export function notes(effects: readonly StagingEffect[]): StagingEffect[] {
  return effects.filter(({ kind }) => kind === "note" || kind === "strike-note");
}

/** All but what is noted for the next start. */
export function deeds(effects: readonly StagingEffect[]): StagingEffect[] {
  return effects.filter(({ kind }) => kind !== "note" && kind !== "strike-note");
}

/** The deeds in short. */
export function shown(effects: readonly StagingEffect[]): string[] {
  return deeds(effects).map((effect) =>
    effect.kind === "send" ? `send ${effect.message.kind}` : effect.kind,
  );
}

export function attemptIn(effects: readonly StagingEffect[]): number {
  for (const effect of effects) if ("attempt" in effect) return effect.attempt;
  throw new Error("no attempt was made");
}
