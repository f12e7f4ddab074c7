/** Keeps one engine running through its stage: waits until it is healthy, and starts it again when it ends by itself. */
import { setTimeout as pause } from "node:timers/promises";
import type { StageName } from "@cofi/event-log/stages";
import type { FilePlace } from "@cofi/event-log/store";
import type { EngineClient } from "../hosts/engine-client.js";
import { awaitHealth } from "./await-health.js";
import { EngineStartError, type EngineHost, type RuntimeListener } from "./runtime.js";

/** An engine that has been started: a process or a container. */
export interface StartedEngine {
  /** What tells it from others, for the log: a pid, a container's id. */
  readonly details: Readonly<Record<string, string | number | null>>;
  /** Resolves when it has ended, whoever ended it; completes the sentence "The engine of denoise …". */
  readonly ended: Promise<string>;
  /** The base URL, once it is known. Need not settle when the engine ends first. */
  url(): Promise<string>;
  /** Ends it and cleans up behind it; it may take `graceMs` for the files in progress. Idempotent; 0 hurries a call before. */
  stop(graceMs: number): Promise<void>;
}

export interface SupervisedEngineOptions {
  stage: StageName;
  /** Host as logged in `gpuIp`. */
  name: string;
  key: string;
  files: FilePlace;
  /** That the engine asks for. */
  token: string;
  launch: () => Promise<StartedEngine>;
  client: EngineClient;
  listener: RuntimeListener;
  signal: AbortSignal;
  slotsPerHost: number;
  engineStartTimeoutMs: number;
  /** Attempts of a file in a stage. */
  attempts: number;
}

/** How long an engine that is told to stop may finish what it has in work. */
const STOP_GRACE_MS = 10_000;
/** How long an engine whose connection broke off has to answer, or its end to be told. */
const DOUBT_MS = 2_000;

/** Starting -> running -> (ends by itself) starting … -> stopped. `ready()` waits through `starting`. */
export class SupervisedEngine implements EngineHost {
  readonly name: string;
  readonly key: string;
  readonly files: FilePlace;
  readonly slots: number;
  readonly token: string;
  url = "";
  readonly #options: SupervisedEngineOptions;
  /**
   * Ends by itself, without an answer about any file between them, after which the engine is given up. Files that kill
   * it are all given up before: each end costs each file in work one of its attempts.
   */
  readonly #maxEnds: number;
  #engine: StartedEngine | null = null;
  #ready: Promise<void>;
  /** Resolves when the end of the running engine has been dealt with. */
  #told: Promise<void> = Promise.resolve();
  #endsInARow = 0;
  /** A connection to the engine broke off, and nothing has been heard of it since. */
  #inDoubt = false;
  #stopped: Promise<void> | null = null;

  constructor(options: SupervisedEngineOptions) {
    this.#options = options;
    this.name = options.name;
    this.key = options.key;
    this.files = options.files;
    this.slots = options.slotsPerHost;
    this.token = options.token;
    this.#maxEnds = options.slotsPerHost * options.attempts;
    this.#ready = this.#start();
    // Whoever asks meets the reason; nobody may be asking now.
    this.#ready.catch(() => undefined);
  }

  async ready(): Promise<void> {
    if (this.#inDoubt) await this.#settleDoubt();
    await this.#ready;
  }

  async look(signal: AbortSignal): Promise<void> {
    await this.ready();
    await this.#options.client.health(this, signal);
  }

  answered(): void {
    this.#endsInARow = 0;
    this.#inDoubt = false;
  }

  brokeOff(): void {
    this.#inDoubt = true;
  }

  /** As {@link RunningEngines.stop}. */
  stop(hurry?: AbortSignal): Promise<void> {
    this.#stopped ??= this.#stop(hurry);
    return this.#stopped;
  }

  async #stop(hurry: AbortSignal | undefined): Promise<void> {
    const { listener, stage } = this.#options;
    await this.#ready.catch(() => undefined);
    const engine = this.#engine;
    if (!engine) return;
    const atOnce = (): void => void engine.stop(0).catch(() => undefined);
    try {
      hurry?.addEventListener("abort", atOnce, { once: true });
      await engine.stop(hurry?.aborted ? 0 : STOP_GRACE_MS);
      listener.info(`Engine of ${stage} stopped`, { ...engine.details });
    } catch (error) {
      // The files are done; what is left running is worth a look, not a failed stage.
      listener.error(`The engine of ${stage} could not be stopped: ${(error as Error).message}`, { ...engine.details });
    } finally {
      hurry?.removeEventListener("abort", atOnce);
    }
  }

  /** A request breaks off before the end of the engine is told: whoever asks in between waits for the new one. */
  async #settleDoubt(): Promise<void> {
    const deadline = AbortSignal.timeout(DOUBT_MS);
    try {
      await this.#ready;
      await this.#options.client.health(this, AbortSignal.any([this.#options.signal, deadline]));
      this.#inDoubt = false;
    } catch {
      // It has ended or is ending. If it is neither, the next request says what it is.
      await Promise.race([this.#told, pause(DOUBT_MS)]);
    }
  }

  async #start(): Promise<void> {
    const { launch, client, listener, signal, stage, engineStartTimeoutMs } = this.#options;
    const started = performance.now();
    this.#engine = null;
    const engine = await launch();
    this.#engine = engine;
    const gone: { reason: string | null } = { reason: null };
    const ended = engine.ended.then((reason) => (gone.reason = reason));
    try {
      this.url = await this.#urlOf(
        engine,
        ended.then((reason) => Promise.reject(new EngineStartError(reason))),
      );
      const why = (): string | null => gone.reason ?? (this.#stopped ? "it is no longer needed" : null);
      await awaitHealth(client, this, engineStartTimeoutMs, signal, why);
    } catch (error) {
      const { reason } = gone;
      this.#engine = null;
      await engine.stop(0);
      throw reason === null ? error : new EngineStartError(`The engine of ${stage} ${reason}`, { cause: error });
    }
    this.#inDoubt = false;
    listener.info(`Engine of ${stage} started`, {
      url: this.url,
      ...engine.details,
      startMs: Math.round(performance.now() - started),
    });
    this.#told = ended.then((reason) => this.#endedByItself(engine, reason));
  }

  /** @throws what `ended` throws; EngineStartError when the engine does not say it in time, or the batch is stopped */
  async #urlOf(engine: StartedEngine, ended: Promise<never>): Promise<string> {
    const { signal, stage, engineStartTimeoutMs } = this.#options;
    let giveUp!: (error: EngineStartError) => void;
    const givenUp = new Promise<never>((_, reject) => (giveUp = reject));
    const onStop = (): void => giveUp(new EngineStartError(`The engine of ${stage}: the batch was stopped.`));
    const late = `The engine of ${stage} has not said its address after ${engineStartTimeoutMs / 1000} s (COFI_ENGINE_START_TIMEOUT_S).`;
    const timer = setTimeout(() => giveUp(new EngineStartError(late)), engineStartTimeoutMs);
    signal.addEventListener("abort", onStop, { once: true });
    if (signal.aborted) onStop();
    try {
      return await Promise.race([engine.url(), ended, givenUp]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onStop);
    }
  }

  async #endedByItself(engine: StartedEngine, reason: string): Promise<void> {
    const { listener, signal, stage } = this.#options;
    if (this.#stopped || signal.aborted) return;
    this.#endsInARow += 1;
    const givenUp = this.#endsInARow > this.#maxEnds;
    const message = `The engine of ${stage} ${reason}`;
    listener.error(message, { ...engine.details, ends: this.#endsInARow, startedAgain: givenUp ? "no" : "yes" });
    const next = async (): Promise<void> => {
      this.#engine = null;
      await engine.stop(0);
      if (givenUp) throw new EngineStartError(`${message} (${this.#endsInARow} times, with no answer between)`);
      await this.#start();
    };
    this.#ready = next();
    this.#ready.catch(() => undefined);
  }
}
