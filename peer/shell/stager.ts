// Carries out what the staging machine decides: joins swarms, checks whole tarballs, unpacks them into place.
// Believes no order before its signature, torrent and labels have been checked. Decides nothing itself.
import { randomInt } from "node:crypto";
import type { Logger } from "pino";
import { FleetError } from "../../protocol/errors.ts";
import type { AppName, PublicKey } from "../../protocol/ids.ts";
import type { TorrentInspection } from "../../protocol/inspection.ts";
import { assertNever } from "../../protocol/machine.ts";
import { type Manifest, releaseRefOf, sameRelease } from "../../protocol/manifest.ts";
import type { Labels, Neighbour, NodeMessage, StageOrder } from "../../protocol/messages.ts";
import type { Offence } from "../../protocol/offence.ts";
import { openTrustedManifest } from "../../protocol/shell/signature.ts";
import { OffenceBook } from "../core/offence-book.ts";
import { checkPlaceholders } from "../core/placeholders.ts";
import { type StageInProgress, StagingMachine } from "../core/staging.ts";
import type { StagingEffect, StagingEvent, Transfer } from "../core/staging-events.ts";
import type { ArtifactFiles } from "./artifact-files.ts";
import { failureOf } from "./hooks.ts";
import { type Clock, MachineDriver } from "./machine-driver.ts";
import type { OrderNotes } from "./order-notes.ts";
import type { PeerPorts, SwarmPort, SwarmTorrentPort } from "./ports.ts";
import type { ReleaseStore } from "./release-store.ts";
import { SharedTorrents } from "./shared-torrents.ts";
import { checkTorrentInfo } from "./torrent-info.ts";
import { nothingJoined } from "./torrent-inspection.ts";

export interface StagerOptions {
  readonly files: ArtifactFiles;
  readonly notes: OrderNotes;
  readonly store: ReleaseStore;
  readonly swarm: SwarmPort;
  readonly unpackArchive: PeerPorts["unpackArchive"];
  readonly trust: readonly PublicKey[];
  readonly labels: Labels;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: (message: NodeMessage) => void;
  /** Makes the app known to this node. Throws FleetError when there is no room for it, or its folder is damaged. */
  readonly admit: (app: AppName) => Promise<void>;
  /** The live link of the app points to a tree of this name. */
  readonly isLive: (app: AppName, directory: string) => boolean;
  /** A release of the app was installed: old versions may go. */
  readonly onInstalled: (app: AppName) => void;
  readonly onBug: (error: unknown) => void;
}

/** One attempt at a release: what must be ended when it is left. */
interface Session {
  readonly attempt: number;
  readonly abort: AbortController;
  torrent: SwarmTorrentPort | null;
  neighbours: readonly Neighbour[];
  paused: boolean;
  /** Ends when nothing of this attempt runs any more. */
  work: Promise<void>;
}

type Effect<Kind extends StagingEffect["kind"]> = Extract<StagingEffect, { kind: Kind }>;
const NO_TRANSFER: Transfer = { verifiedBytes: 0, receivedBytes: 0, uploadedBytes: 0 };

export class Stager {
  readonly #options: StagerOptions;
  readonly #machine = new StagingMachine();
  readonly #driver: MachineDriver<StagingEvent, StagingEffect>;
  readonly #sessions = new Map<number, Session>();
  readonly #torrents: SharedTorrents;
  readonly #offences = new OffenceBook();

  constructor(options: StagerOptions) {
    this.#options = options;
    this.#torrents = new SharedTorrents(options.swarm);
    this.#driver = new MachineDriver<StagingEvent, StagingEffect>({
      machine: this.#machine,
      clock: options.clock,
      perform: (effect) => this.#perform(effect),
      onBug: options.onBug,
    });
  }

  pinned(app: AppName): ReadonlySet<string> {
    return this.#machine.pinned(app);
  }

  dispatch(
    event: Extract<StagingEvent, { kind: "neighbours" | "go" | "pause" | "stop-serving" | "online" }>,
  ): void {
    // Before the results: the coordinator is told of an offender while it still cares for the release.
    if (event.kind === "online") for (const report of this.#offences.reports()) this.#send(report);
    if (event.kind === "stop-serving") this.#offences.forget(event.release);
    this.#driver.dispatch(event);
  }

  /** Checks an order and takes it on, or refuses it. Fetches and writes nothing before the check. */
  async order(order: StageOrder): Promise<void> {
    const { generation, release } = order;
    const { app, version } = release;
    try {
      const manifest = this.#check(order);
      await this.#options.admit(app);
      // A tarball on its way out must not be taken for one that can be served.
      await this.#driver.settled();
      const installed = await this.#options.store.has(release);
      const tarball = await this.#options.files.has(release.sha256);
      this.#driver.dispatch({ kind: "order", order, manifest, installed, tarball });
    } catch (error) {
      const { code, message } = failureOf(error, `cannot stage ${app} ${version}`);
      this.#options.logger.warn({ app, version, generation, code, reason: message }, "stage order refused");
      this.#driver.dispatch({ kind: "refused", generation, release, code, message });
    }
  }

  /** What is staged here, unfinished releases first. */
  inspect(): readonly TorrentInspection[] {
    const seen = this.#machine.stages.map((stage) =>
      inspectStage(stage, this.#sessions.get(stage.attempt)?.torrent),
    );
    return seen.toSorted((a, b) => Number(a.phase === "serving") - Number(b.phase === "serving"));
  }

  /** Leaves every swarm; tarballs and bitmaps stay for the next start. */
  async stop(): Promise<void> {
    await this.#driver.stop();
    await Promise.all([...this.#sessions.values()].map((session) => this.#end(session)));
  }

  #check(order: StageOrder): Manifest {
    const manifest = openTrustedManifest(order.signed, this.#options.trust);
    if (!sameRelease(releaseRefOf(manifest), order.release)) {
      const { app, version } = order.release;
      const message = `the order is for ${app} ${version}, its manifest for ${manifest.app} ${manifest.version}`;
      throw new FleetError("manifest-invalid", message);
    }
    checkTorrentInfo(order.torrentInfo, manifest.artifact);
    checkPlaceholders(manifest, this.#options.labels);
    return manifest;
  }

  #perform(effect: StagingEffect): Promise<void> | undefined {
    switch (effect.kind) {
      case "fetch":
        return this.#begin(effect, (session) => this.#fetch(effect, session));
      case "serve":
        return this.#begin(effect, (session) => this.#join(effect, session));
      case "install":
        return this.#continue(effect, (session) => this.#install(effect, session));
      case "set-neighbours":
        return this.#setNeighbours(effect);
      case "set-paused":
        return this.#setPaused(effect);
      case "sample":
        return this.#sample(effect.attempt);
      case "leave":
        return this.#leave(effect);
      case "note":
        return this.#options.notes.write(effect.order);
      case "strike-note":
        return this.#options.notes.strike(effect.release);
      case "discard":
        return this.#options.files.discard(effect.release.sha256);
      case "send":
        return this.#send(effect.message);
      default:
        return assertNever(effect);
    }
  }

  #begin(effect: Effect<"fetch" | "serve">, work: (session: Session) => Promise<void>): undefined {
    const { attempt, order } = effect;
    const session: Session = {
      attempt,
      abort: new AbortController(),
      torrent: null,
      neighbours: order.neighbours,
      paused: effect.kind === "fetch" && effect.paused,
      work: Promise.resolve(),
    };
    this.#sessions.set(attempt, session);
    session.work = this.#guard(session, work(session));
  }

  #continue(effect: Effect<"install">, work: (session: Session) => Promise<void>): undefined {
    const session = this.#sessions.get(effect.attempt);
    if (session !== undefined) session.work = this.#guard(session, work(session));
  }

  /** Whatever goes wrong in an attempt becomes its failure, unless it was left on purpose. */
  async #guard(session: Session, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (session.abort.signal.aborted) return;
      this.#fail(session, error);
    }
  }

  #fail(session: Session, error: unknown): void {
    try {
      const { code, message } = failureOf(error, "cannot stage");
      const spoiled = code === "artifact-mismatch";
      this.#driver.dispatch({ kind: "failed", attempt: session.attempt, code, message, spoiled });
    } catch (bug) {
      this.#options.onBug(bug);
    }
  }

  async #fetch(effect: Effect<"fetch">, session: Session): Promise<void> {
    const { artifact } = effect.manifest;
    await this.#options.files.makeRoom(artifact, this.#machine.artifacts);
    await this.#join(effect, session);
    await orAborted(session.torrent?.completed, session.abort.signal);
    await this.#options.files.verify(artifact, session.abort.signal);
    this.#driver.dispatch({ kind: "verified", attempt: session.attempt, transfer: transferOf(session) });
  }

  async #join(effect: Effect<"fetch" | "serve">, session: Session): Promise<void> {
    const { artifact } = effect.manifest;
    const { torrentInfo, rank, rankCount } = effect.order;
    const torrent = await this.#torrents.join({
      torrentInfo,
      artifact,
      filePath: this.#options.files.tarball(artifact.sha256),
      complete: false,
      bitmapPath: this.#options.files.bitmap(artifact.sha256),
      rank,
      rankCount,
      seed: randomInt(2 ** 32),
      onOffence: (offence) => this.#noteOffence(effect.order, offence),
      paused: session.paused,
    });
    session.torrent = torrent;
    torrent.completed.catch((error: unknown) => this.#lost(session, error));
    session.abort.signal.throwIfAborted();
    torrent.setNeighbours(session.neighbours);
    torrent.setPaused(session.paused);
  }

  /** The torrent broke, which a fetch hears of by waiting for it; one that is only served must be told. */
  #lost(session: Session, error: unknown): void {
    if (!session.abort.signal.aborted) this.#fail(session, error);
  }

  async #install(effect: Effect<"install">, session: Session): Promise<void> {
    const { manifest, order, attempt } = effect;
    const { app, artifact } = manifest;
    const { compression, unpackedLength, entryCount } = artifact;
    const tarball = this.#options.files.tarball(artifact.sha256);
    await this.#options.store.install({
      manifest,
      signed: order.signed,
      isLive: (directory) => this.#options.isLive(app, directory),
      unpack: (directory) =>
        this.#options.unpackArchive({
          tarball,
          compression,
          unpackedLength,
          entryCount,
          directory,
          signal: session.abort.signal,
        }),
    });
    this.#options.logger.info({ app, version: manifest.version }, "release installed");
    this.#driver.dispatch({ kind: "installed", attempt, transfer: transferOf(session) });
    this.#options.onInstalled(app);
  }

  #setNeighbours(effect: Effect<"set-neighbours">): undefined {
    const session = this.#sessions.get(effect.attempt);
    if (session === undefined) return;
    session.neighbours = effect.neighbours;
    session.torrent?.setNeighbours(effect.neighbours);
  }

  #setPaused({ attempt, paused }: Effect<"set-paused">): undefined {
    const session = this.#sessions.get(attempt);
    if (session === undefined) return;
    session.paused = paused;
    session.torrent?.setPaused(paused);
  }

  #noteOffence(order: StageOrder, offence: Offence): void {
    const { clock, logger } = this.#options;
    const report = this.#offences.note(order, offence, clock.now());
    if (report === null) return;
    const { source, fault, piece, count } = report;
    logger.warn({ source, fault, piece, count }, "a remote does what it should not");
    this.#options.send(report);
  }

  #sample(attempt: number): undefined {
    const session = this.#sessions.get(attempt);
    if (!session?.torrent) return;
    const { receiveBytesPerSecond, links } = session.torrent.stats();
    const transfer = transferOf(session);
    this.#driver.dispatch({ kind: "sampled", attempt, transfer, receiveBytesPerSecond, links });
  }

  async #leave(effect: Effect<"leave">): Promise<void> {
    const session = this.#sessions.get(effect.attempt);
    if (session !== undefined) await this.#end(session);
    if (effect.discard) await this.#options.files.discard(effect.release.sha256);
  }

  async #end(session: Session): Promise<void> {
    session.abort.abort();
    this.#sessions.delete(session.attempt);
    await session.work;
    await session.torrent?.close();
  }

  #send(message: NodeMessage): undefined {
    if (message.kind !== "progress") {
      const { kind, ...rest } = message;
      this.#options.logger.info(rest, kind);
    }
    this.#options.send(message);
  }
}

function inspectStage(
  { phase, generation, release, artifact }: StageInProgress,
  torrent: SwarmTorrentPort | null | undefined,
): TorrentInspection {
  return { generation, release, phase, ...(torrent?.inspect() ?? nothingJoined(artifact)) };
}

/** Waits for `work`, or throws the signal's reason when that comes first. */
async function orAborted(work: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function transferOf(session: Session): Transfer {
  if (session.torrent === null) return NO_TRANSFER;
  const { verifiedBytes, receivedBytes, uploadedBytes } = session.torrent.stats();
  return { verifiedBytes, receivedBytes, uploadedBytes };
}
