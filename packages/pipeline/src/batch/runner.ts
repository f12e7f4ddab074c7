/**
 * One runner for all stages. A stage says what it works on, what it asks and what it does with the answer; the runner
 * starts its engines, limits what is in work at once, times, retries and logs every step, skips what the log says is
 * done, and stops cleanly.
 */
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import pLimit from "p-limit";
import type { Json } from "@cofi/event-log/events";
import type { StageName } from "@cofi/event-log/stages";
import type { BatchRun } from "./batch-run.js";
import { EngineError } from "../hosts/engine-client.js";
import { InputError } from "../input-error.js";
import { EngineStartError, type EngineHost, type RunningEngines, type Runtime } from "../runtime/runtime.js";

/** What a stage is to the runner. `name` of a unit is the `fileName` of its events: a recording, a CSV file, a trade. */
export interface Stage<Unit extends { name: string } = { name: string }, Answer = unknown> {
  readonly name: StageName;
  /** An engine of the runtime, or `ask` by itself: in this process, or at a server that it knows. */
  answeredBy(run: BatchRun): "engine" | Executor;
  /** Once before the units, on every run of the batch, also where all units are done. */
  prepare?(run: BatchRun): Promise<void>;
  units(run: BatchRun): Unit[];
  /** Recordings that came this far and are no business of this stage, with the reason: it and all later ones leave them out. */
  skipped?(run: BatchRun): readonly { name: string; reason: string }[];
  /**
   * Whether an answer that the log holds no longer fits, because what it was about has changed since. The unit is then
   * asked again, and all later stages ask again about the file of its name.
   */
  isStale?(run: BatchRun, unit: Unit, answer: Answer): Promise<boolean>;
  /** The full request, as logged. */
  payload(run: BatchRun, unit: Unit, host: EngineHost | null): Json | Promise<Json>;
  /** Does the work. Throws what {@link isRetryable} understands. */
  ask(run: BatchRun, unit: Unit, payload: Json, host: EngineHost | null, signal: AbortSignal): Promise<Answer>;
  /** Takes an answer, fresh or read back from the log: must be idempotent. An error fails the unit. */
  accept?(run: BatchRun, unit: Unit, answer: Answer): Promise<void>;
  /** The unit has failed for good. */
  dropped?(run: BatchRun, unit: Unit): void;
  /** Once after the units, on every run of the batch. */
  finish?(run: BatchRun): Promise<void>;
}

/** Where the work is done when no engine does it. */
export interface Executor {
  /** As logged in `gpuIp`; null for this process. */
  name: string | null;
  /** Units in work at once. */
  slots: number;
}

/** This process. Units that take no time share the commits of their events. */
export const IN_PROCESS: Executor = { name: null, slots: 64 };

/** The stage as a whole cannot go on: the batch fails. */
export class StageFailedError extends Error {
  override readonly name = "StageFailedError";
}

export interface StageOutcome {
  done: number;
  failed: number;
}

export interface RunnerOptions {
  run: BatchRun;
  runtime: Runtime;
  /** Units whose answer the log holds, with it. */
  completed: ReadonlyMap<string, Json>;
  /** Aborts when the batch is to stop: nothing new is begun. */
  signal: AbortSignal;
  /** Aborts when what is in work must be dropped too. */
  hardSignal: AbortSignal;
}

const PROGRESS_INTERVAL_MS = 1_000;
const MAX_RETRY_DELAY_MS = 60_000;

/**
 * Runs one stage to its end, logging every step.
 * @throws StageFailedError when it cannot run: an input file that cannot be used, an engine that cannot be had, or no answer to any file
 * @throws the signal's reason when the batch was stopped
 */
export async function runStage<Unit extends { name: string }, Answer>(
  stage: Stage<Unit, Answer>,
  options: RunnerOptions,
): Promise<StageOutcome> {
  const { run, signal } = options;
  const started = performance.now();
  const work = new StageWork(stage, options);
  try {
    await work.run();
  } catch (error) {
    if (signal.aborted) {
      await run.logger.info(stage.name, "Stopped: the next run goes on from here", { metadata: work.counts() });
      throw signal.reason;
    }
    const message = (error as Error).message;
    // An input file that cannot be used has its own error event already.
    if (!(error instanceof InputError)) await run.logger.fileError(stage.name, null, { error });
    await run.logger.stageComplete(stage.name, {
      ...work.counts(),
      status: "failed",
      errorMessage: message,
      durationMs: performance.now() - started,
    });
    if (error instanceof InputError || error instanceof EngineStartError || error instanceof StageFailedError)
      throw new StageFailedError(`${stage.name}: ${message}`, { cause: error });
    throw error;
  }
  await run.logger.stageComplete(stage.name, {
    ...work.counts(),
    status: "success",
    durationMs: performance.now() - started,
  });
  return { done: work.done, failed: work.failed };
}

/** The state of one run of one stage. */
class StageWork<Unit extends { name: string }, Answer> {
  done = 0;
  failed = 0;
  /** Failures that another try might have healed; when nothing else happened, the engine is to blame and not the files. */
  #unanswered = 0;
  #total = 0;
  #lastProgress = 0;
  /** Files finished as the last progress event said; files that finish in one turn are told once. */
  #reported = -1;
  readonly #stage: Stage<Unit, Answer>;
  readonly #options: RunnerOptions;

  constructor(stage: Stage<Unit, Answer>, options: RunnerOptions) {
    this.#stage = stage;
    this.#options = options;
  }

  counts(): { processedFiles: number; totalFiles: number } {
    return { processedFiles: this.done + this.failed, totalFiles: this.#total };
  }

  async run(): Promise<void> {
    const { run, completed, signal } = this.#options;
    const stage = this.#stage;
    await stage.prepare?.(run);
    const units = stage.units(run);
    this.#total = units.length;
    await run.logger.stageStart(stage.name, { totalFiles: units.length });
    for (const { name, reason } of stage.skipped?.(run) ?? []) skip(run, stage.name, name, reason);
    const todo: Unit[] = [];
    for (const unit of units) {
      const answer = completed.get(unit.name) as Answer | undefined;
      if (answer === undefined || (await this.#isStale(unit, answer))) todo.push(unit);
      else if (await this.#accepted(unit, answer)) this.done += 1;
    }
    if (todo.length < units.length)
      void run.logger.info(stage.name, `${units.length - todo.length} of ${units.length} are done by an earlier run`);
    const by = stage.answeredBy(run);
    if (todo.length > 0) await (by === "engine" ? this.#withEngines(todo) : this.#elsewhere(todo, by));
    signal.throwIfAborted();
    if (this.#unanswered > 0 && this.#unanswered === units.length)
      throw new StageFailedError("No file got an answer; the errors above say why.");
    await stage.finish?.(run);
  }

  async #isStale(unit: Unit, answer: Answer): Promise<boolean> {
    const { run } = this.#options;
    if (run.changed.has(unit.name)) return true;
    if (!(await this.#stage.isStale?.(run, unit, answer))) return false;
    run.changed.add(unit.name);
    await run.logger.info(this.#stage.name, "Changed since an earlier run: done again", { fileName: unit.name });
    return true;
  }

  async #elsewhere(units: Unit[], { name, slots }: Executor): Promise<void> {
    const limit = pLimit(slots);
    await allOf(units.map((unit) => this.#untilOver((attempt) => limit(() => this.#try(unit, null, name, attempt)))));
  }

  async #withEngines(units: Unit[]): Promise<void> {
    const { run, runtime, signal } = this.#options;
    const { name } = this.#stage;
    const listener = {
      info: (message: string, metadata: Json) => void run.logger.info(name, message, { metadata }),
      error: (message: string, metadata: Json) =>
        void run.logger.fileError(name, null, { error: message, willRetry: true, metadata }),
    };
    const engines: RunningEngines = await runtime.start(name, run.batchId, listener, signal);
    try {
      const hosts = engines.hosts.map((host, index) => {
        // Engines on one host are told apart by their place among them, which is the same in every stage.
        const place = engines.hosts.slice(0, index).filter(({ name: other }) => other === host.name).length;
        return { host, key: `${host.name}#${place}`, limit: pLimit(host.slots) };
      });
      const tasks = units.map((unit) => {
        const preference = hostsFor(unit.name, hosts);
        return this.#untilOver((attempt) => {
          const { host, limit } = preference[(attempt - 1) % preference.length] as (typeof hosts)[number];
          return limit(() => this.#try(unit, host, host.name, attempt));
        });
      });
      await allOf(tasks);
    } finally {
      await engines.stop();
    }
  }

  /** Tries a unit until it is done, has failed for good, or the batch stops. Rejects only when the stage cannot go on. */
  async #untilOver(attemptOnce: (attempt: number) => Promise<Next | null>): Promise<void> {
    const { run, signal } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const next = await attemptOnce(attempt);
      if (next === null) break;
      const delay = Math.max(retryDelay(run.settings.retryDelayMs, attempt), next.notBeforeMs);
      await pause(delay, undefined, { signal }).catch(() => undefined);
    }
    await this.#progress();
  }

  /** One try. Null when it was the last. */
  async #try(unit: Unit, host: EngineHost | null, hostName: string | null, attempt: number): Promise<Next | null> {
    const { run, signal, hardSignal } = this.#options;
    const { logger, settings } = run;
    const { name } = this.#stage;
    if (signal.aborted) return null;
    await host?.ready();
    const at = { attempt, ...(hostName === null ? {} : { gpuIp: hostName }) };
    const started = performance.now();
    try {
      const payload = await this.#stage.payload(run, unit, host);
      const audioSeconds = run.calls.get(unit.name)?.durationS;
      const length = audioSeconds === undefined ? {} : { metadata: { audioSeconds } };
      await logger.fileStart(name, unit.name, { payload, ...length, ...at });
      const response = await this.#stage.ask(run, unit, payload, host, hardSignal);
      host?.answered?.();
      await logger.fileComplete(name, unit.name, { response, ...at, durationMs: performance.now() - started });
      if (await this.#accepted(unit, response)) this.done += 1;
      return null;
    } catch (error) {
      if (error instanceof InputError) {
        await logger.fileError(name, unit.name, { error, ...at });
        this.failed += 1;
        throw error;
      }
      if (signal.aborted && !(error instanceof EngineError)) throw error;
      const refusal = error instanceof EngineError ? error : null;
      const retryable = refusal?.retryable ?? false;
      if (refusal?.status === null) host?.brokeOff?.();
      else host?.answered?.();
      // A file that was in work when the batch was stopped is tried again by the next run.
      const willRetry = retryable && (attempt < settings.attempts || signal.aborted);
      const durationMs = performance.now() - started;
      const response = refusal?.response;
      await logger.fileError(name, unit.name, { error, willRetry, response, ...at, durationMs });
      if (willRetry && signal.aborted) return null;
      if (willRetry) return { notBeforeMs: Math.min(refusal?.retryAfterMs ?? 0, MAX_RETRY_DELAY_MS) };
      if (retryable) this.#unanswered += 1;
      this.#drop(unit);
      return null;
    }
  }

  /** False when the answer cannot be used: then the unit has failed. */
  async #accepted(unit: Unit, answer: Answer): Promise<boolean> {
    const { run, signal } = this.#options;
    try {
      await this.#stage.accept?.(run, unit, answer);
      return true;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      await run.logger.fileError(this.#stage.name, unit.name, { error });
      this.#drop(unit);
      return false;
    }
  }

  #drop(unit: Unit): void {
    this.failed += 1;
    this.#stage.dropped?.(this.#options.run, unit);
  }

  async #progress(): Promise<void> {
    const now = performance.now();
    const { processedFiles, totalFiles } = this.counts();
    if (processedFiles === this.#reported) return;
    if (now - this.#lastProgress < PROGRESS_INTERVAL_MS && processedFiles < totalFiles) return;
    this.#lastProgress = now;
    this.#reported = processedFiles;
    await this.#options.run.logger.stageProgress(this.#stage.name, { processedFiles, totalFiles });
  }
}

/** Says in the log that a recording goes no further, so that nobody has to look for it. */
export function skip({ logger }: BatchRun, stage: StageName, fileName: string, reason: string): void {
  void logger.info(stage, `Left out: ${reason}`, { fileName, metadata: { skipped: reason } });
}

/** What the next try must wait for. */
interface Next {
  notBeforeMs: number;
}

/** Waits for all, also where one fails; then rejects with the first failure. */
async function allOf(tasks: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(tasks)).find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
}

/** Doubles with each try, up to a minute; between half and all of it at random, so that tries do not come in step. */
function retryDelay(baseMs: number, attempt: number): number {
  const delay = Math.min(baseMs * 2 ** (attempt - 1), MAX_RETRY_DELAY_MS);
  return delay * (0.5 + Math.random() / 2);
}

/**
 * The hosts in the order in which a file prefers them (rendezvous hashing, Thaler and Ravishankar 1998): the same file
 * goes to the same host in every stage and every run, and a host that is gone moves only its own files.
 */
function hostsFor<Host extends { key: string }>(fileName: string, hosts: readonly Host[]): Host[] {
  const weight = ({ key }: Host): string => createHash("sha1").update(`${key}\0${fileName}`).digest("hex");
  return hosts
    .map((host) => ({ host, weight: weight(host) }))
    .toSorted((a, b) => (a.weight < b.weight ? 1 : -1))
    .map(({ host }) => host);
}
