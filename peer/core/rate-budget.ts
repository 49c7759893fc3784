// How much a process may move, for all its torrents together: each that wants some earns the same, and what one
// leaves goes to the others. Never moves a byte, never waits. Without a limit every answer is yes, at no cost.
//
// Kept at all times: what is taken in any span is at most the rate times the span, what was given back, and a burst of
// BURST_MS, or of one block for each that wants some where that is more.
import type { Millis } from "../../protocol/ids.ts";
import { BLOCK_BYTES } from "./geometry.ts";

/** What may be saved up: a timer that fires late by so much wastes nothing, and no link notices a burst so short. */
const BURST_MS = 50;
/** Who has not asked for so long has no use for what it would earn. */
const WANT_MS = 1_000;
/** Whoever waits asks again at least this often: others may have stopped to want any, or the rate has changed. */
const ASK_AGAIN_MS = 250;
/** A shorter wait cannot be told from none by a timer. */
const WAIT_MS_MIN = 1;

/** The part of one claimant. */
export interface BudgetShare {
  readonly isLimited: boolean;
  /** Whether a block may be asked for or sent now. Says as well that it is wanted, so only ask when it is. */
  mayTake(now: Millis): boolean;
  /** More than there is makes a debt, which is paid before anything else. */
  take(bytes: number): void;
  /** What was taken is not used after all. */
  giveBack(bytes: number): void;
  /** When to ask again after a no; null without a limit. */
  readyAt(now: Millis): Millis | null;
  /** For good. */
  leave(): void;
}

/** Of all torrents of a process together. */
export interface SwarmBudgets {
  readonly upload: RateBudget;
  readonly download: RateBudget;
}

interface Account {
  /** Bytes; below zero in debt. */
  balance: number;
  wantedAt: Millis;
}

export class RateBudget {
  readonly #accounts = new Set<Account>();
  #bytesPerSecondMax: number | null = null;
  #settledAt: Millis = 0;

  /** Null is without limit. Holds from now on; what was earned before stays. */
  setRate(bytesPerSecondMax: number | null, now: Millis): void {
    if (this.#bytesPerSecondMax === null) for (const account of this.#accounts) account.balance = 0;
    else this.#settle(this.#bytesPerSecondMax, now);
    this.#bytesPerSecondMax = bytesPerSecondMax;
    this.#settledAt = now;
  }

  claim(): BudgetShare {
    const budget = this;
    const account: Account = { balance: 0, wantedAt: Number.NEGATIVE_INFINITY };
    this.#accounts.add(account);
    return {
      get isLimited() {
        return budget.#bytesPerSecondMax !== null;
      },
      mayTake: (now) => this.#bytesPerSecondMax === null || this.#ask(account, now),
      take: (bytes) => {
        if (this.#bytesPerSecondMax !== null) account.balance -= bytes;
      },
      giveBack: (bytes) => {
        // What is too much to be saved up goes when accounts are settled, which is before anything is taken.
        if (this.#bytesPerSecondMax !== null) account.balance += bytes;
      },
      readyAt: (now) => this.#readyAt(account, now),
      leave: () => {
        this.#accounts.delete(account);
      },
    };
  }

  #ask(account: Account, now: Millis): boolean {
    if (this.#bytesPerSecondMax === null) return true;
    this.#settle(this.#bytesPerSecondMax, now);
    account.wantedAt = now;
    return account.balance >= BLOCK_BYTES;
  }

  #readyAt(account: Account, now: Millis): Millis | null {
    if (this.#bytesPerSecondMax === null) return null;
    const sharers = Math.max(1, this.#wanting(now).length);
    const waitMs = ((BLOCK_BYTES - account.balance) * sharers * 1000) / this.#bytesPerSecondMax;
    return now + Math.max(WAIT_MS_MIN, Math.min(ASK_AGAIN_MS, waitMs));
  }

  /** Pays out what was earned since the last time, and what some cannot keep. What nobody can keep is lost. */
  #settle(bytesPerSecondMax: number, now: Millis): void {
    let pot = (bytesPerSecondMax * Math.max(0, now - this.#settledAt)) / 1000;
    this.#settledAt = Math.max(now, this.#settledAt);
    const wanting = this.#wanting(now);
    const keepMax = Math.max(
      BLOCK_BYTES,
      (bytesPerSecondMax * BURST_MS) / 1000 / Math.max(1, wanting.length),
    );
    const idle = [...this.#accounts].filter((account) => !wanting.includes(account));
    pot += skim(wanting, keepMax) + skim(idle, 0);
    pour(pour(pot, wanting, keepMax), idle, 0);
  }

  #wanting(now: Millis): readonly Account[] {
    return [...this.#accounts].filter(({ wantedAt }) => now - wantedAt < WANT_MS);
  }
}

/** Takes from each what it has beyond `keepMax`. */
function skim(accounts: readonly Account[], keepMax: number): number {
  let bytes = 0;
  for (const account of accounts) {
    if (account.balance <= keepMax) continue;
    bytes += account.balance - keepMax;
    account.balance = keepMax;
  }
  return bytes;
}

/** Gives the same to each, up to `keepMax`, and what is left of that to the others. Returns what nobody could keep. */
function pour(pot: number, accounts: readonly Account[], keepMax: number): number {
  let left = pot;
  let open = accounts.filter(({ balance }) => balance < keepMax);
  while (open.length > 0) {
    const part = left / open.length;
    const full = open.filter(({ balance }) => balance + part >= keepMax);
    if (full.length === 0) {
      for (const account of open) account.balance += part;
      return 0;
    }
    for (const account of full) {
      left -= keepMax - account.balance;
      account.balance = keepMax;
    }
    open = open.filter((account) => !full.includes(account));
  }
  return left;
}
