/**
 * One runner for all stages and steps: starts their engines, limits what is in progress at once, times, retries and logs every
 * step, skips what the log says is done, and stops cleanly.
 */
import { setTimeout as pause } from "node:timers/promises";
import pLimit from "p-limit";
import type { Json } from "@cofi/event-log/events";
import { JsonText } from "@cofi/event-log/json-text";
import { isStageName, type WorkName } from "@cofi/event-log/stages";
import { EngineError } from "../hosts/engine-error.js";
import { InputError } from "../input-error.js";
import { EngineStartError, type EngineHost, type RunningEngines, type Runtime } from "../runtime/runtime.js";
import { hostsFor, MAX_RETRY_DELAY_MS, retryDelay, type NextAttempt } from "./attempts.js";
import type { BatchContext } from "./context.js";
import { Progress } from "./progress.js";
import { remainderOf } from "./resume.js";
import type { Stopping } from "./stopping.js";
import { LeftOut, type AskAgain, type Executor, type Stage, type StageWork, type Unit } from "./stage.js";
import { workThrough } from "./work-through.js";

/** The stage as a whole cannot continue: the batch fails. */
export class StageFailedError extends Error {
  override readonly name = "StageFailedError";
}

export interface StageOutcome {
  done: number;
  failed: number;
}

export interface RunnerOptions {
  context: BatchContext;
  runtime: Runtime;
  stopping: Stopping;
}

/**
 * Runs one stage to its end, logging every step.
 * @throws StageFailedError when it cannot run: an input file that cannot be used, an engine that cannot be had, or no answer to any file
 * @throws the signal's reason when the batch was stopped
 */
export async function runStage(stage: Stage, options: RunnerOptions): Promise<StageOutcome> {
  const { context, stopping } = options;
  const { logger } = context;
  const { signal } = stopping;
  const started = performance.now();
  const run = new StageRun(stage, options);
  try {
    await stopping.within(run.toItsEnd());
  } catch (error) {
    if (signal.aborted) {
      // Nobody waits for the disk now; the end of the run says what became of the last events.
      void logger.info(stage.name, "Stopped: the next run continues from here", { metadata: run.progress.counts() });
      throw signal.reason;
    }
    const message = (error as Error).message;
    // An input file that cannot be used has its own error event already.
    if (!(error instanceof InputError)) await logger.fileError(stage.name, null, { error });
    await logger.stageComplete(stage.name, {
      ...run.progress.counts(),
      status: "failed",
      errorMessage: message,
      durationMs: performance.now() - started,
    });
    if (error instanceof InputError || error instanceof EngineStartError || error instanceof StageFailedError)
      throw new StageFailedError(`${stage.name}: ${message}`, { cause: error });
    throw error;
  }
  await logger.stageComplete(stage.name, {
    ...run.progress.counts(),
    status: "success",
    durationMs: performance.now() - started,
  });
  return { done: run.progress.done, failed: run.progress.failed };
}

/** The state of one run of one stage. */
class StageRun {
  readonly progress: Progress;
  /** Failures that another attempt might have healed; when nothing else happened, the engine is to blame and not the files. */
  #unanswered = 0;
  readonly #name: WorkName;
  readonly #work: StageWork<Unit, unknown>;
  readonly #options: RunnerOptions;

  constructor(stage: Stage, options: RunnerOptions) {
    const { context } = options;
    this.#name = stage.name;
    this.#work = stage.create(context);
    this.#options = options;
    this.progress = new Progress(context.logger, stage.name);
    const { answerFrom } = this.#work;
    if (answerFrom) context.answers.translate(stage.name, answerFrom);
  }

  async toItsEnd(): Promise<void> {
    const { context } = this.#options;
    const { logger, signal } = context;
    const work = this.#work;
    const { units, skipped = [] } = await work.plan();
    this.progress.total = units.length;
    await logger.stageStart(this.#name, { totalFiles: units.length });
    for (const { name, reason } of skipped) skip(context, this.#name, name, reason);
    const accept = (unit: Unit, answer: unknown): boolean | Promise<boolean> => this.#accepted(unit, answer);
    const { todo, done } = await remainderOf(units, { name: this.#name, work, context, accept });
    this.progress.done += done;
    if (todo.length < units.length)
      void logger.info(this.#name, `${units.length - todo.length} of ${units.length} are done by an earlier run`);
    const by = work.answeredBy;
    if (todo.length > 0) await (by === "engine" ? this.#withEngines(todo) : this.#by(todo, by));
    signal.throwIfAborted();
    if (this.#unanswered > 0 && this.#unanswered === this.progress.total)
      throw new StageFailedError("No file got an answer; the errors above say why.");
    await work.finish?.();
  }

  async #by(units: readonly Unit[], { name, slots }: Executor): Promise<void> {
    const limit = pLimit(slots);
    const attempt = (unit: Unit, number: number): Promise<NextAttempt | null> =>
      limit(() => this.#attempt(unit, null, name, number));
    await workThrough([{ units, slots }], (unit) => this.#begin((number) => attempt(unit, number)));
  }

  async #withEngines(units: readonly Unit[]): Promise<void> {
    const { context, runtime, stopping } = this.#options;
    const { logger, batchId, signal } = context;
    const name = this.#name;
    if (!isStageName(name)) throw new TypeError(`The step ${name} has no engine.`);
    const listener = {
      info: (message: string, metadata: Json) => void logger.info(name, message, { metadata }),
      error: (message: string, metadata: Json) =>
        void logger.fileError(name, null, { error: message, willRetry: true, metadata }),
    };
    const engines: RunningEngines = await runtime.start(name, batchId, listener, signal);
    const stop = (): Promise<void> => engines.stop(stopping.hard);
    // Files whose log cannot be written hold the stage up, but not its engines.
    const onHard = (): void => void stop().catch(() => undefined);
    stopping.hard.addEventListener("abort", onHard, { once: true });
    try {
      const hosts = engines.hosts.map((host, index) => {
        // Engines on one host are told apart by their place among them, which is the same in every stage.
        const place = engines.hosts.slice(0, index).filter(({ name: other }) => other === host.name).length;
        return { host, key: `${host.name}#${place}`, limit: pLimit(host.slots) };
      });
      const queues = new Map(hosts.map((host) => [host, { units: [] as Unit[], slots: host.host.slots }]));
      for (const unit of units) queues.get(hostsFor(unit.name, hosts)[0]!)?.units.push(unit);
      const attempt = (unit: Unit, number: number): Promise<NextAttempt | null> => {
        const preference = hostsFor(unit.name, hosts);
        const { host, limit } = preference[(number - 1) % preference.length]!;
        return limit(() => this.#attempt(unit, host, host.name, number));
      };
      await workThrough([...queues.values()], (unit) => this.#begin((number) => attempt(unit, number)));
    } finally {
      stopping.hard.removeEventListener("abort", onHard);
      await stop();
    }
  }

  /** Makes the first attempt at a unit. @returns what to do until it is over; null when it is. Rejects only when the stage cannot continue */
  async #begin(attemptOnce: (attempt: number) => Promise<NextAttempt | null>): Promise<(() => Promise<void>) | null> {
    const first = await attemptOnce(1);
    if (first !== null) return () => this.#again(first, attemptOnce);
    await this.progress.report();
    return null;
  }

  async #again(first: NextAttempt, attemptOnce: (attempt: number) => Promise<NextAttempt | null>): Promise<void> {
    const { settings, signal } = this.#options.context;
    let next: NextAttempt | null = first;
    for (let attempt = 1; next !== null; attempt++) {
      const delay = Math.max(retryDelay(settings.retryDelayMs, attempt), next.notBeforeMs);
      await pause(delay, undefined, { signal }).catch(() => undefined);
      next = await attemptOnce(attempt + 1);
    }
    await this.progress.report();
  }

  /** Null when it was the last attempt. */
  async #attempt(
    unit: Unit,
    host: EngineHost | null,
    hostName: string | null,
    attempt: number,
  ): Promise<NextAttempt | null> {
    const { context, stopping } = this.#options;
    const { logger, settings, calls, signal } = context;
    const name = this.#name;
    if (signal.aborted) return null;
    await host?.ready();
    const at = { attempt, ...(hostName === null ? {} : { gpuIp: hostName }) };
    const started = performance.now();
    let response: unknown;
    try {
      const payload = await this.#work.payload(unit, host);
      if (payload instanceof LeftOut) {
        this.#leaveOut(unit, payload);
        return null;
      }
      const audioSeconds = calls.of(unit.name)?.durationS;
      const length = audioSeconds === undefined ? {} : { metadata: { audioSeconds } };
      await logger.fileStart(name, unit.name, { payload, ...length, ...at });
      const again: AskAgain = async (refused, next, metadata) => {
        const durationMs = performance.now() - started;
        const answered = { response: refused.response };
        await logger.fileError(name, unit.name, { error: refused, willRetry: true, ...answered, ...at, durationMs });
        await logger.fileStart(name, unit.name, {
          payload: next,
          metadata: { ...length.metadata, ...metadata },
          ...at,
        });
      };
      const asked = await this.#work.ask(unit, payload, host, stopping.hard, again);
      const { answer } = asked;
      response = asked.response;
      host?.answered?.();
      if (this.#isTooLarge(response)) context.answers.keep(name, unit.name, answer);
      const durationMs = performance.now() - started;
      await this.#work.store?.(unit, answer);
      const metadata = this.#work.metadata?.(unit);
      await logger.fileComplete(name, unit.name, { response, ...at, durationMs, metadata });
      if (await this.#accepted(unit, answer)) this.progress.done += 1;
      return null;
    } catch (error) {
      if (error instanceof InputError) {
        await logger.fileError(name, unit.name, { error, ...at });
        this.progress.failed += 1;
        throw error;
      }
      if (signal.aborted && !(error instanceof EngineError)) throw error;
      const refusal = error instanceof EngineError ? error : null;
      const retryable = refusal?.retryable ?? false;
      if (refusal?.status === null) host?.brokeOff?.();
      else host?.answered?.();
      // A file that was in progress when the batch was stopped is attempted again by the next run.
      const willRetry = retryable && (attempt < settings.attempts || signal.aborted);
      const durationMs = performance.now() - started;
      response ??= refusal?.response;
      await logger.fileError(name, unit.name, { error, willRetry, response, ...at, durationMs });
      if (refusal?.fault === "stage") throw new StageFailedError(refusal.message, { cause: refusal });
      if (willRetry && signal.aborted) return null;
      if (willRetry) return { notBeforeMs: Math.min(refusal?.retryAfterMs ?? 0, MAX_RETRY_DELAY_MS) };
      if (retryable) this.#unanswered += 1;
      this.#drop(unit);
      return null;
    }
  }

  /** The log would cut it. */
  #isTooLarge(response: unknown): boolean {
    const text = response instanceof JsonText ? response.text : JSON.stringify(response);
    return Buffer.byteLength(text ?? "") > this.#options.context.logger.textLimit(this.#name);
  }

  /** False when the answer cannot be used: then the unit has failed. */
  #accepted(unit: Unit, answer: unknown): boolean | Promise<boolean> {
    try {
      const accepted = this.#work.accept?.(unit, answer);
      return accepted === undefined
        ? true
        : accepted.then(
            () => true,
            (error: unknown) => this.#refused(unit, error),
          );
    } catch (error) {
      return this.#refused(unit, error);
    }
  }

  async #refused(unit: Unit, error: unknown): Promise<false> {
    const { logger, signal } = this.#options.context;
    if (signal.aborted) throw signal.reason;
    await logger.fileError(this.#name, unit.name, { error });
    this.#drop(unit);
    return false;
  }

  #drop(unit: Unit): void {
    this.progress.failed += 1;
    this.#work.dropped?.(unit);
  }

  #leaveOut(unit: Unit, { reason }: LeftOut): void {
    this.progress.total -= 1;
    skip(this.#options.context, this.#name, unit.name, reason);
    this.#work.dropped?.(unit);
  }
}

/** Says in the log that a recording goes no further, so that nobody has to look for it. */
export function skip(
  { logger }: Pick<BatchContext, "logger">,
  stage: WorkName,
  fileName: string,
  reason: string,
): void {
  void logger.info(stage, `Left out: ${reason}`, { fileName, metadata: { skipped: reason } });
}
