// `{label.NAME}` in hook arguments and probe addresses. Replaces text only, so a label can never become a second
// argument or shell syntax. Never guesses: an unknown label is an error that names it.
import type { Manifest } from "../../protocol/manifest.ts";
import type { Labels } from "../../protocol/messages.ts";

const PLACEHOLDER = /\{label\.([^{}]*)\}/g;

export class UnknownLabelError extends Error {
  override readonly name = "UnknownLabelError";

  constructor(label: string, where: string) {
    super(`this node has no label "${label}", which ${where} asks for`);
  }
}

/** Throws {@link UnknownLabelError}. `where` says in the message who asks, e.g. `the postActivate hook`. */
export function fillPlaceholders(source: string, labels: Labels, where: string): string {
  return source.replace(PLACEHOLDER, (_, label: string) => {
    const value = Object.hasOwn(labels, label) ? labels[label] : undefined;
    if (value === undefined) throw new UnknownLabelError(label, where);
    return value;
  });
}

/** Throws {@link UnknownLabelError} when a hook or probe of the release cannot be filled in on this node. */
export function checkPlaceholders(manifest: Manifest, labels: Labels): void {
  const { preActivate, postActivate } = manifest.hooks;
  for (const argument of preActivate?.argv ?? []) fillPlaceholders(argument, labels, "the preActivate hook");
  for (const argument of postActivate?.argv ?? [])
    fillPlaceholders(argument, labels, "the postActivate hook");
  for (const probe of manifest.health.probes) {
    const sources = probe.kind === "exec" ? probe.argv : [probe.kind === "http" ? probe.url : probe.address];
    for (const source of sources) fillPlaceholders(source, labels, `a ${probe.kind} probe`);
  }
}
