/**
 * One run of one stage: plans, skips what the log says is done, has the rest worked on, and logs how it ended. A stage that runs
 * beside the one before it takes each file as soon as that one is done with it.
 */
import type { WorkName } from "@cofi/event-log/stages";
import { InputError } from "../input-error.js";
import { EngineStartError, type Runtime } from "../runtime/runtime.js";
import { Attempts, skip, StageFailedError } from "./attempts.js";
import type { BatchContext } from "./context.js";
import { drain } from "./drain.js";
import { Progress } from "./progress.js";
import { remainderOf } from "./resume.js";
import type { Stage, StageWork, Unit } from "./stage.js";
import { StageWorkers } from "./stage-workers.js";
import type { Stopping } from "./stopping.js";

/** Another stage beside this one cannot continue: this one has ended too. */
export class EndedBeside extends Error {
  override readonly name = "EndedBeside";
}

export interface StageOutcome {
  done: number;
  failed: number;
}

export interface StageRunOptions {
  context: BatchContext;
  runtime: Runtime;
  stopping: Stopping;
  /** The stage that runs beside it and hands it its files. */
  before: StageRun | null;
  /** Of all that run beside it. Aborts, with an {@link EndedBeside} that names a stage, when that one cannot continue: then nothing new is begun. */
  ending: AbortController;
}

/** A file that the stage before has ended: it is done, or goes no further. */
interface Arrival {
  name: string;
  isDone: boolean;
}

export class StageRun {
  readonly #name: WorkName;
  readonly #progress: Progress;
  readonly #attempts: Attempts;
  readonly #work: StageWork<Unit, unknown>;
  readonly #workers: StageWorkers;
  readonly #options: StageRunOptions;
  /** Whether it reads what stages beside it were answered: the log must have that. */
  readonly #readsBeside: boolean;
  /** Resolves when it is known what is left to be done; rejects when the stage ended before. */
  readonly #begun: Promise<void>;
  #setBegun!: { resolve: () => void; reject: (reason: unknown) => void };
  /** Units that are not done, by name, each with its place. */
  readonly #todo = new Map<string, number>();
  readonly #arrivals: Arrival[] = [];
  #isTakingIn = false;
  /** The log has its beginning. */
  #hasBegun = false;
  #after: StageRun | null = null;
  #over: Promise<StageOutcome> | null = null;

  constructor(stage: Stage, options: StageRunOptions) {
    const { context, before, ending } = options;
    const { name } = stage;
    const { logger, answers } = context;
    this.#name = name;
    this.#options = options;
    this.#work = stage.create(context);
    this.#progress = new Progress(logger, name);
    const { answerFrom } = this.#work;
    if (answerFrom) answers.translate(name, answerFrom);
    const ended = (unit: Unit, isDone: boolean): void => this.#after?.arrived({ name: unit.name, isDone });
    const shared = { stage: name, work: this.#work, context };
    this.#attempts = new Attempts({ ...shared, progress: this.#progress, ended });
    this.#workers = new StageWorkers({ ...options, ...shared, attempts: this.#attempts, ending: ending.signal });
    const beside: string[] = [];
    for (let run = before; run !== null; run = run.#options.before) beside.push(run.#name);
    this.#readsBeside = stage.reads.some((read) => beside.includes(read));
    if (before) before.#after = this;
    this.#begun = new Promise((resolve, reject) => (this.#setBegun = { resolve, reject }));
    // Only a stage beside it waits for it.
    this.#begun.catch(() => undefined);
  }

  /**
   * Runs it to its end, logging every step; once, however often it is called.
   * @throws StageFailedError when it cannot run: an input file that cannot be used, an engine that cannot be had, or no answer to any file
   * @throws EndedBeside when a stage beside it could not continue
   * @throws the signal's reason when the batch was stopped
   */
  toItsEnd(): Promise<StageOutcome> {
    return (this.#over ??= this.#run());
  }

  async #run(): Promise<StageOutcome> {
    const { context, stopping, ending } = this.#options;
    const { logger } = context;
    const { signal } = stopping;
    const started = performance.now();
    try {
      await stopping.within(this.#throughUnits());
    } catch (error) {
      if (!signal.aborted && !ending.signal.aborted)
        ending.abort(
          new EndedBeside(`It ended because ${this.#name} cannot continue; the next run continues from here.`),
        );
      this.#setBegun.reject(error);
      // A stage that could not begin, because of another one or because the batch was stopped, has no part in what happened.
      if (!this.#hasBegun && signal.aborted) throw signal.reason;
      if (!this.#hasBegun && error instanceof EndedBeside) throw error;
      if (signal.aborted) {
        // Nobody waits for the disk now; the end of the run says what became of the last events.
        const counts = this.#progress.counts();
        void logger.info(this.#name, "Stopped: the next run continues from here", { metadata: counts });
        throw signal.reason;
      }
      await this.#logFailure(error as Error, performance.now() - started);
      if (error instanceof InputError || error instanceof EngineStartError || error instanceof StageFailedError)
        throw new StageFailedError(`${this.#name}: ${error.message}`, { cause: error });
      throw error;
    }
    await logger.stageComplete(this.#name, {
      ...this.#progress.counts(),
      status: "success",
      durationMs: performance.now() - started,
    });
    return { done: this.#progress.done, failed: this.#progress.failed };
  }

  async #logFailure(error: Error, durationMs: number): Promise<void> {
    const { logger } = this.#options.context;
    // An input file that cannot be used has its own error event already, and so has the stage beside that failed.
    if (!(error instanceof InputError || error instanceof EndedBeside))
      await logger.fileError(this.#name, null, { error });
    await logger.stageComplete(this.#name, {
      ...this.#progress.counts(),
      status: "failed",
      errorMessage: error.message,
      durationMs,
    });
  }

  async #throughUnits(): Promise<void> {
    const { context, before, ending } = this.#options;
    const { logger, signal } = context;
    const work = this.#work;
    // What it leaves out, or is done with, is no part of the plan.
    if (before) await before.#begun.catch(() => this.#endBeside());
    const { units, skipped = [] } = await work.plan();
    signal.throwIfAborted();
    this.#progress.total = units.length;
    this.#hasBegun = true;
    await logger.stageStart(this.#name, { totalFiles: units.length });
    for (const { name, reason } of skipped) skip(context, this.#name, name, reason);
    const accept = this.#attempts.accepted.bind(this.#attempts);
    const isHeld = ({ name }: Unit): boolean => before !== null && before.#todo.has(name);
    const ready = units.filter((unit) => !isHeld(unit));
    const { todo, done } = await remainderOf(ready, { name: this.#name, work, context, accept });
    this.#progress.done += done;
    const left = ready.length === units.length ? todo : [...todo, ...units.filter(isHeld)];
    if (before || this.#after) left.forEach(({ name }, place) => this.#todo.set(name, place));
    if (left.length < units.length)
      void logger.info(this.#name, `${units.length - left.length} of ${units.length} are done by an earlier run`);
    this.#setBegun.resolve();
    if (left.length > 0) await this.#workers.workOn(left, todo.length, () => void this.#takeArrivals());
    signal.throwIfAborted();
    // It ends after the stage before it, and not well where that one has failed.
    await before?.toItsEnd().catch(() => this.#endBeside());
    if (ending.signal.aborted) this.#endBeside();
    const { unanswered } = this.#attempts;
    if (unanswered > 0 && unanswered === this.#progress.total)
      throw new StageFailedError("No file got an answer; the errors above say why.");
    await work.finish?.();
  }

  #endBeside(): never {
    const { stopping, ending } = this.#options;
    stopping.signal.throwIfAborted();
    throw ending.signal.reason;
  }

  /** The stage before has ended a file. */
  arrived(arrival: Arrival): void {
    this.#arrivals.push(arrival);
    void this.#takeArrivals();
  }

  /** Never rejects. */
  async #takeArrivals(): Promise<void> {
    const { context, stopping, ending } = this.#options;
    const { logger, report } = context;
    if (this.#isTakingIn) return;
    this.#isTakingIn = true;
    while (this.#workers.isAtWork && this.#arrivals.length > 0) {
      const arrivals = this.#arrivals.splice(0);
      // What is asked about them is read from the log.
      if (this.#readsBeside && !(await drain(logger, { stopping, report, ending: ending.signal }))) break;
      for (const arrival of arrivals) this.#takeIn(arrival);
    }
    this.#isTakingIn = false;
  }

  #takeIn({ name, isDone }: Arrival): void {
    const unit = this.#todo.get(name);
    // The plan was made after it had been dropped.
    if (unit === undefined) return;
    if (isDone) return this.#workers.admit(unit);
    this.#progress.total -= 1;
    this.#workers.withhold(unit);
    this.#after?.arrived({ name, isDone });
  }
}
