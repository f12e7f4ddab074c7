/**
 * One runner for all stages and steps: starts their engines, limits what is in progress at once, times, retries and logs every
 * step, skips what the log says is done, and stops cleanly.
 */
import type { Json } from "@cofi/event-log/events";
import { isStageName, type WorkName } from "@cofi/event-log/stages";
import { InputError } from "../input-error.js";
import { inNextStage, type Change, type Condition } from "../pool/host-state.js";
import { HostPool } from "../pool/host-pool.js";
import { EngineStartError, type RunningEngines, type Runtime } from "../runtime/runtime.js";
import { Attempts, skip, StageFailedError } from "./attempts.js";
import type { BatchContext } from "./context.js";
import { ALWAYS_WELL, namedHosts, preferredOf, retryDelay, THIS_PROCESS, type NamedHost } from "./named-hosts.js";
import { Progress } from "./progress.js";
import { remainderOf } from "./resume.js";
import type { Stopping } from "./stopping.js";
import type { Stage, StageWork, Unit } from "./stage.js";
import { StageHosts } from "./stage-hosts.js";

export { StageFailedError } from "./attempts.js";

/** What a change of a host is called in the log. */
const SAID_OF: Readonly<Record<Condition, string>> = {
  joining: "is not ready yet",
  healthy: "is in use",
  suspect: "is paused",
  ejected: "is left out",
  probing: "is tried again",
  gone: "is given up",
};

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
  readonly #attempts: Attempts;
  readonly #name: WorkName;
  readonly #work: StageWork<Unit, unknown>;
  readonly #options: RunnerOptions;

  constructor(stage: Stage, options: RunnerOptions) {
    const { context } = options;
    this.#name = stage.name;
    this.#work = stage.create(context);
    this.#options = options;
    this.progress = new Progress(context.logger, stage.name);
    this.#attempts = new Attempts({
      stage: stage.name,
      work: this.#work,
      progress: this.progress,
      context,
    });
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
    const accept = this.#attempts.accepted.bind(this.#attempts);
    const { todo, done } = await remainderOf(units, { name: this.#name, work, context, accept });
    this.progress.done += done;
    if (todo.length < units.length)
      void logger.info(this.#name, `${units.length - todo.length} of ${units.length} are done by an earlier run`);
    if (todo.length > 0)
      await (work.answeredBy === "engine" ? this.#withEngines(todo) : this.#workOn(todo, [THIS_PROCESS]));
    signal.throwIfAborted();
    const { unanswered } = this.#attempts;
    if (unanswered > 0 && unanswered === this.progress.total)
      throw new StageFailedError("No file got an answer; the errors above say why.");
    await work.finish?.();
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
      await this.#workOn(units, namedHosts(engines.hosts));
    } finally {
      stopping.hard.removeEventListener("abort", onHard);
      await stop();
    }
  }

  /** Has the hosts work on the units until all are over. @throws when the stage cannot continue */
  async #workOn(units: readonly Unit[], hosts: readonly NamedHost[]): Promise<void> {
    const { context, stopping } = this.#options;
    const { settings, calls, recordings, hostStates, signal } = context;
    const places = new Map(hosts.map(({ key }, place) => [key, place]));
    const pool = new HostPool(
      {
        units: units.map(({ name }) => ({
          name,
          audioSeconds: calls.of(name)?.durationS ?? null,
          bytes: recordings.get(name)?.bytes ?? null,
          prefers: places.get(this.#work.liesOn?.(name) ?? "") ?? preferredOf(name, hosts),
        })),
        hosts: hosts.map(({ name, slots, engine, key }) => {
          const before = hostStates.get(key);
          const state = engine === null ? ALWAYS_WELL : before && inNextStage(before);
          return { name: name ?? "this process", slots, ...(state && { state }) };
        }),
        attempts: settings.attempts,
        retryDelayMs: (failures) => retryDelay(settings.retryDelayMs, failures),
        firstPauseMs: 2 * settings.retryDelayMs,
        mostRequestMs: settings.requestTimeoutMs,
        mostWithoutHostMs: settings.engineStartTimeoutMs,
      },
      performance.now(),
    );
    try {
      await new StageHosts({
        pool,
        stopping,
        make: (attempt, ending) =>
          this.#attempts.make(units[attempt.unit]!, hosts[attempt.host]!, pool, attempt, ending),
        look: async (host, looking) => hosts[host]!.engine?.look(looking),
        giveUp: (unit, why, error) => this.#attempts.giveUp(units[unit]!, why, error),
        changed: ({ host, ...change }) => this.#tellChange(hosts[host]!, change),
        failure: (why) => new StageFailedError(why),
      }).toTheEnd();
    } finally {
      if (!signal.aborted) hosts.forEach(({ key }, place) => hostStates.set(key, pool.stateOf(place)));
    }
  }

  #tellChange({ name, engine }: NamedHost, { from, to, rule }: Change): void {
    const metadata = { host: { url: engine?.url ?? null, from, to, rule } };
    void this.#options.context.logger.info(this.#name, `${name} ${SAID_OF[to]}: ${rule}`, {
      metadata,
      ...(name !== null && { gpuIp: name }),
    });
  }
}
