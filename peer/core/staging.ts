// Which releases are being fetched, installed and served, how many at once, and what the coordinator is told.
// Decides only; never touches the swarm, the disk or the network.
import type { Generation, Millis } from "../../protocol/ids.ts";
import { PROGRESS_INTERVAL_MS } from "../../protocol/limits.ts";
import { assertNever, type Machine } from "../../protocol/machine.ts";
import {
  type Artifact,
  type Manifest,
  type ReleaseRef,
  versionDirectoryName,
} from "../../protocol/manifest.ts";
import type { NodeMessage, StageOrder } from "../../protocol/messages.ts";
import { type FailureReport, StageFailures } from "./stage-failures.ts";
import {
  type Countdown,
  isHeld,
  isLinking,
  type Job,
  keyOf,
  LINKS_POLL_MS,
  NOTHING_YET,
  newCountdown,
  wakeAt,
} from "./stage-job.ts";
import type { StagingEffect, StagingEvent, Transfer } from "./staging-events.ts";

/** Fetching or unpacking at once; more only share the same link and disk. */
export const STAGES_RUNNING_MAX = 4;
/** Orders that may wait for a place. One per app a node may have, so a coordinator in its right mind never meets it. */
export const STAGES_WAITING_MAX = 64;
/** Finished tarballs served at once; beyond that the oldest stops, should a coordinator forget to say so. */
export const SERVED_MAX = 16;
/** A fetch without a new piece for this long is given up; the coordinator judges far sooner, if it is there. */
export const FETCH_STALLED_AFTER_MS = 24 * 60 * 60_000;

export interface StageInProgress {
  readonly attempt: number;
  readonly phase: Job["phase"];
  readonly generation: Generation;
  readonly release: ReleaseRef;
  readonly artifact: Artifact;
}

type OrderEvent = Extract<StagingEvent, { kind: "order" }>;

export class StagingMachine implements Machine<StagingEvent, StagingEffect> {
  /** In order of arrival. */
  readonly #jobs = new Map<string, Job>();
  readonly #failures = new StageFailures();
  #effects: StagingEffect[] = [];
  #attempts = 0;

  /** Directories under versions/ of an app that a running stage will use. */
  pinned(app: string): ReadonlySet<string> {
    const releases = [...this.#jobs.values()].map((job) => job.order.release);
    const own = releases.filter((release) => release.app === app);
    return new Set(own.map((release) => versionDirectoryName(release.version, release.sha256)));
  }

  /** Tarballs in use, by digest. */
  get artifacts(): ReadonlySet<string> {
    return new Set([...this.#jobs.values()].map((job) => job.order.release.sha256));
  }

  /** Every release that is staged or served here, in order of arrival. */
  get stages(): readonly StageInProgress[] {
    return [...this.#jobs.values()].map(({ attempt, phase, order, manifest }) => {
      return {
        attempt,
        phase,
        generation: order.generation,
        artifact: manifest.artifact,
        release: order.release,
      };
    });
  }

  handle(event: StagingEvent, now: Millis): readonly StagingEffect[] {
    this.#effects = [];
    this.#dispatch(event, now);
    return this.#effects;
  }

  deadline(): Millis | null {
    const earliest = Math.min(...[...this.#jobs.values()].map(wakeAt));
    return Number.isFinite(earliest) ? earliest : null;
  }

  #dispatch(event: StagingEvent, now: Millis): void {
    switch (event.kind) {
      case "order":
        return this.#ordered(event, now);
      case "refused":
        return this.#refuse(event);
      case "neighbours": {
        const job = this.#jobOf(event.release, event.generation);
        if (job === null) return;
        job.order = { ...job.order, generation: event.generation };
        this.#setNeighbours(job, event.neighbours);
        return this.#note(job);
      }
      case "go": {
        const job = this.#jobOf(event.release, event.generation);
        if (job === null || job.order.awaitsGo !== true) return;
        job.order = { ...job.order, awaitsGo: false };
        this.#start(job, now);
        return this.#note(job);
      }
      case "pause": {
        const job = this.#jobOf(event.release, event.generation);
        if (job === null || job.paused === event.paused) return;
        this.#pause(job, event.paused, now);
        return this.#note(job);
      }
      case "stop-serving":
        return this.#stopServing(event.release, event.generation, now);
      case "verified":
        return this.#withJob(event.attempt, (job) => this.#verified(job, event.transfer));
      case "installed":
        return this.#withJob(event.attempt, (job) => this.#installed(job, event.transfer, now));
      case "failed":
        return this.#withJob(event.attempt, (job) => this.#failed(job, event, now));
      case "sampled":
        return this.#withJob(event.attempt, (job) => this.#sampled(job, event, now));
      case "online":
        return this.#repeatResults();
      case "tick":
        return this.#tick(now);
      default:
        return assertNever(event);
    }
  }

  #ordered(event: OrderEvent, now: Millis): void {
    const { order, manifest } = event;
    const key = keyOf(order.release);
    const job = this.#jobs.get(key);
    if (job !== undefined) return this.#orderedAgain(job, order, now);
    const failure = this.#failures.of(order.release);
    if (failure?.generation === order.generation) return this.#send(failure);
    this.#failures.forget(order.release);
    if (event.installed && !event.tarball) {
      this.#emit({ kind: "strike-note", release: order.release });
      const transfer = { ...NOTHING_YET, verifiedBytes: manifest.artifact.length };
      return this.#sendBoth(order, transfer);
    }
    const refusal = this.#refusal(manifest);
    if (refusal !== null) return this.#refuse({ ...order, ...refusal });
    this.#attempts += 1;
    const fresh: Job = {
      attempt: this.#attempts,
      manifest,
      order,
      phase: "waiting",
      leaving: false,
      countdown: order.awaitsGo === true && !event.installed ? newCountdown(now) : null,
      paused: order.paused ?? false,
      links: 0,
      transfer: NOTHING_YET,
      sampleAt: now + PROGRESS_INTERVAL_MS,
      grewAt: now,
    };
    this.#jobs.set(key, fresh);
    if (event.installed) this.#serve(fresh);
    else this.#startWaiting(now);
    this.#note(fresh);
  }

  #refuse(failure: FailureReport): void {
    this.#emit({ kind: "strike-note", release: failure.release });
    this.#send(this.#failures.remember(failure));
  }

  /** As it stands now: with the neighbours it was told last, and paused or not. */
  #note({ order, paused }: Job): void {
    this.#emit({ kind: "note", order: { ...order, paused } });
  }

  #orderedAgain(job: Job, order: StageOrder, now: Millis): void {
    if (order.generation < job.order.generation) return;
    job.order = order;
    job.leaving = false;
    this.#setNeighbours(job, order.neighbours);
    this.#pause(job, order.paused ?? false, now);
    if (order.awaitsGo !== true) this.#start(job, now);
    else if (job.countdown?.toldReady !== false) this.#tellReady(job);
    this.#repeatResult(job);
    this.#note(job);
  }

  /** It may ask for pieces. Once is as good as often. */
  #start(job: Job, now: Millis): void {
    if (job.countdown === null) return;
    job.countdown = null;
    if (!job.paused) this.#tellHeld(job, now);
  }

  #pause(job: Job, paused: boolean, now: Millis): void {
    if (job.paused === paused) return;
    job.paused = paused;
    if (job.countdown === null) this.#tellHeld(job, now);
  }

  #tellHeld(job: Job, now: Millis): void {
    if (job.phase !== "fetching") return;
    job.sampleAt = now + PROGRESS_INTERVAL_MS;
    job.grewAt = now;
    this.#emit({ kind: "set-paused", attempt: job.attempt, paused: isHeld(job) });
  }

  /** A job that has begun by itself is not to be waited for either. */
  #tellReady(job: Job): void {
    if (job.phase !== "waiting" && job.phase !== "fetching") return;
    if (job.countdown !== null) job.countdown.toldReady = true;
    const { generation, release } = job.order;
    this.#send({ kind: "stage-ready", generation, release, links: job.links });
  }

  #refusal({ artifact }: Manifest): { code: "overloaded"; message: string } | null {
    const twins = [...this.#jobs.values()].filter((job) => job.manifest.artifact.sha256 === artifact.sha256);
    const other = twins.find((job) => job.manifest.artifact.infoHash !== artifact.infoHash);
    if (other !== undefined) {
      const { app, version } = other.order.release;
      const message = `the same artifact, cut into other pieces, is still staged or served as ${app} ${version}`;
      return { code: "overloaded", message };
    }
    if (this.#jobs.size < STAGES_WAITING_MAX + SERVED_MAX) return null;
    return { code: "overloaded", message: `this node already stages ${this.#jobs.size} releases` };
  }

  #startWaiting(now: Millis): void {
    const jobs = [...this.#jobs.values()];
    const running = jobs.filter((job) => job.phase === "fetching" || job.phase === "installing").length;
    const waiting = jobs.filter((job) => job.phase === "waiting");
    for (const job of waiting.slice(0, Math.max(0, STAGES_RUNNING_MAX - running))) {
      job.phase = "fetching";
      job.sampleAt = now + (isLinking(job) ? LINKS_POLL_MS : PROGRESS_INTERVAL_MS);
      job.grewAt = now;
      const { attempt, order, manifest } = job;
      this.#emit({ kind: "fetch", attempt, order, manifest, paused: isHeld(job) });
    }
  }

  #serve(job: Job): void {
    job.phase = "serving";
    job.transfer = { ...NOTHING_YET, verifiedBytes: job.manifest.artifact.length };
    const { attempt, order, manifest } = job;
    this.#emit({ kind: "serve", attempt, order, manifest });
    this.#repeatResult(job);
    this.#limitServed();
  }

  #verified(job: Job, transfer: Transfer): void {
    if (job.phase !== "fetching") return;
    job.phase = "installing";
    job.countdown = null;
    job.transfer = transfer;
    this.#sendTransfer(job, "verified");
    const { attempt, order, manifest } = job;
    this.#emit({ kind: "install", attempt, order, manifest });
  }

  #installed(job: Job, transfer: Transfer, now: Millis): void {
    if (job.phase !== "installing") return;
    job.phase = "serving";
    job.transfer = transfer;
    this.#sendTransfer(job, "staged");
    if (job.leaving) this.#leave(job, true);
    this.#limitServed();
    this.#startWaiting(now);
  }

  #failed(job: Job, event: Extract<StagingEvent, { kind: "failed" }>, now: Millis): void {
    const { generation, release } = job.order;
    const served = job.phase === "serving";
    this.#leave(job, event.spoiled);
    // Installed already: that it can no longer be served is nobody's failure.
    if (served) return;
    const { code, message } = event;
    this.#send(this.#failures.remember({ generation, release, code, message }));
    this.#startWaiting(now);
  }

  #sampled(job: Job, event: Extract<StagingEvent, { kind: "sampled" }>, now: Millis): void {
    if (event.transfer.verifiedBytes > job.transfer.verifiedBytes) job.grewAt = now;
    job.transfer = event.transfer;
    job.links = event.links;
    if (job.phase !== "fetching") return;
    if (job.countdown !== null) return this.#countLinks(job, job.countdown);
    const { generation, release } = job.order;
    const { receiveBytesPerSecond } = event;
    this.#send({ kind: "progress", generation, release, ...job.transfer, receiveBytesPerSecond });
  }

  #countLinks(job: Job, countdown: Countdown): void {
    if (!countdown.toldReady && job.links >= job.order.neighbours.length) this.#tellReady(job);
  }

  #countDown(job: Job, countdown: Countdown, now: Millis): void {
    if (!countdown.toldReady && now >= countdown.readyBy) this.#tellReady(job);
    if (now >= countdown.startBy) this.#start(job, now);
  }

  #tick(now: Millis): void {
    for (const job of this.#jobs.values()) {
      if (job.countdown !== null) this.#countDown(job, job.countdown, now);
      if (job.phase !== "fetching" || now < job.sampleAt) continue;
      job.sampleAt = now + (isLinking(job) ? LINKS_POLL_MS : PROGRESS_INTERVAL_MS);
      if (isHeld(job)) job.grewAt = now;
      if (now - job.grewAt < FETCH_STALLED_AFTER_MS) {
        this.#emit({ kind: "sample", attempt: job.attempt });
        continue;
      }
      const message = `no new piece for ${FETCH_STALLED_AFTER_MS / 3_600_000} hours`;
      const { attempt } = job;
      this.#failed(job, { kind: "failed", attempt, code: "download-stalled", message, spoiled: false }, now);
    }
  }

  #stopServing(release: ReleaseRef, generation: Generation, now: Millis): void {
    const job = this.#jobs.get(keyOf(release));
    if (job === undefined) {
      this.#failures.forget(release);
      if (!this.artifacts.has(release.sha256)) this.#emit({ kind: "discard", release });
      return;
    }
    if (generation < job.order.generation) return;
    if (job.phase === "installing") {
      job.leaving = true;
      return;
    }
    this.#leave(job, true);
    this.#startWaiting(now);
  }

  #limitServed(): void {
    const served = [...this.#jobs.values()].filter((job) => job.phase === "serving");
    for (const job of served.slice(0, Math.max(0, served.length - SERVED_MAX))) this.#leave(job, true);
  }

  #leave(job: Job, discard: boolean): void {
    const { attempt, order } = job;
    this.#jobs.delete(keyOf(order.release));
    this.#emit({ kind: "strike-note", release: order.release });
    if (job.phase === "waiting") return;
    const isLast = !this.artifacts.has(order.release.sha256);
    this.#emit({ kind: "leave", attempt, release: order.release, discard: discard && isLast });
  }

  #setNeighbours(job: Job, neighbours: StageOrder["neighbours"]): void {
    job.order = { ...job.order, neighbours };
    if (job.phase !== "waiting") this.#emit({ kind: "set-neighbours", attempt: job.attempt, neighbours });
  }

  #repeatResults(): void {
    for (const job of this.#jobs.values()) this.#repeatResult(job);
    for (const failure of this.#failures.all()) this.#send(failure);
  }

  #repeatResult(job: Job): void {
    if (job.phase === "installing") this.#sendTransfer(job, "verified");
    if (job.phase === "serving") this.#sendBoth(job.order, job.transfer);
  }

  #sendBoth(order: StageOrder, transfer: Transfer): void {
    const { generation, release } = order;
    this.#send({ kind: "verified", generation, release, ...transfer });
    this.#send({ kind: "staged", generation, release, ...transfer });
  }

  #sendTransfer(job: Job, kind: "verified" | "staged"): void {
    const { generation, release } = job.order;
    this.#send({ kind, generation, release, ...job.transfer });
  }

  #jobOf(release: ReleaseRef, generation: Generation): Job | null {
    const job = this.#jobs.get(keyOf(release));
    return job !== undefined && generation >= job.order.generation ? job : null;
  }

  #withJob(attempt: number, act: (job: Job) => void): void {
    for (const job of this.#jobs.values()) if (job.attempt === attempt) return act(job);
  }

  #send(message: NodeMessage): void {
    this.#emit({ kind: "send", message });
  }

  #emit(effect: StagingEffect): void {
    this.#effects.push(effect);
  }
}
