// What can happen to an activation and what it can want done. Closed unions: the shell does exactly these.
import type { Generation } from "../../protocol/ids.ts";
import type { HookSpec, ReleaseRef } from "../../protocol/manifest.ts";
import type { ActivationStep, Outcome } from "../../protocol/messages.ts";
import type { ActivationOrder, Failure, LinkTarget } from "./app-journal.ts";

export type HookName = "preActivate" | "postActivate";

export type ActivationEvent =
  /** The process (re)started: take up what the journal says was running. */
  | { readonly kind: "start" }
  | { readonly kind: "order"; readonly order: ActivationOrder }
  | { readonly kind: "step-done"; readonly attempt: number }
  | { readonly kind: "step-failed"; readonly attempt: number; readonly failure: Failure }
  /** Where the link really points after a switch that failed. */
  | { readonly kind: "linked"; readonly live: LinkTarget | null }
  /** A probe round ended; `problem` is null when every probe passed. */
  | {
      readonly kind: "probed";
      readonly attempt: number;
      readonly problem: string | null;
      readonly logTail: readonly string[];
    }
  | { readonly kind: "tick" };

export type ActivationEffect =
  /** Write the journal as it stands; what follows in the list must wait for that. */
  | { readonly kind: "persist" }
  | {
      readonly kind: "run-hook";
      readonly attempt: number;
      readonly target: LinkTarget;
      readonly hook: HookName;
      readonly spec: HookSpec;
      readonly timeoutMs: number;
      /** What was live when the order began. */
      readonly from: LinkTarget | null;
    }
  | { readonly kind: "switch-link"; readonly attempt: number; readonly target: LinkTarget | null }
  | { readonly kind: "probe"; readonly attempt: number; readonly target: LinkTarget }
  /** A probe round that still runs may stop; its answer will be ignored. */
  | { readonly kind: "cancel-probe" }
  | { readonly kind: "announce"; readonly generation: Generation; readonly step: ActivationStep }
  | {
      readonly kind: "report";
      readonly generation: Generation;
      readonly live: ReleaseRef | null;
      readonly outcome: Outcome;
    }
  /** An order older than one already accepted: nothing is done. */
  | { readonly kind: "stale"; readonly generation: Generation; readonly newest: Generation };
