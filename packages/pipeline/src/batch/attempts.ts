/** One attempt at a unit after another: what is asked, what is logged of it, and what becomes of the answer. */
import type { Json } from "@cofi/event-log/events";
import { JsonText } from "@cofi/event-log/json-text";
import type { WorkName } from "@cofi/event-log/stages";
import { EngineError } from "../hosts/engine-error.js";
import { InputError } from "../input-error.js";
import type { Attempt, HostPool } from "../pool/host-pool.js";
import { EngineStartError, type EngineHost } from "../runtime/runtime.js";
import type { BatchContext } from "./context.js";
import type { NamedHost } from "./named-hosts.js";
import type { Progress } from "./progress.js";
import { LeftOut, type AskAgain, type StageWork, type Unit } from "./stage.js";
import { LOOK_TIMEOUT_MS, type Ending } from "./stage-hosts.js";

/** The stage as a whole cannot continue: the batch fails. */
export class StageFailedError extends Error {
  override readonly name = "StageFailedError";
}

export interface AttemptsOptions {
  stage: WorkName;
  work: StageWork<Unit, unknown>;
  progress: Progress;
  context: BatchContext;
  /** A unit is done, or goes no further. */
  ended: (unit: Unit, isDone: boolean) => void;
}

export class Attempts {
  /** Units that failed by what another attempt might have healed; when nothing else happened, the engine is to blame and not the files. */
  unanswered = 0;
  readonly #options: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Makes one attempt and tells the pool what became of it. Rejects only when the stage cannot continue. */
  async make(unit: Unit, { engine, name }: NamedHost, pool: HostPool, attempt: Attempt, ending: Ending): Promise<void> {
    const { stage, work, context, progress } = this.#options;
    const { logger, calls, signal } = context;
    if (signal.aborted) return;
    const at = { attempt: attempt.number, ...(name === null ? {} : { gpuIp: name }) };
    const started = performance.now();
    const durationMs = (): number => performance.now() - started;
    let response: unknown;
    let asking: Json | undefined;
    let isOver = false;
    try {
      await this.#ready(engine);
      const payload = await work.payload(unit, engine);
      if (payload instanceof LeftOut) {
        pool.withdrawn(attempt);
        this.#leaveOut(unit, payload);
        return;
      }
      asking = payload;
      const audioSeconds = calls.of(unit.name)?.durationS;
      const metadata = { ...(audioSeconds !== undefined && { audioSeconds }) };
      // Another host may have answered meanwhile: nothing may be logged of the file after its end.
      if (!pool.isLive(attempt)) return;
      this.#tellHedge(unit, attempt, at);
      await logger.fileStart(stage, unit.name, { payload, metadata, ...at });
      const again: AskAgain = async (refused, next, provide) => {
        const error = { error: refused, response: refused.response, ...at, durationMs: durationMs() };
        if (!pool.isLive(attempt)) throw refused;
        // The host is not to blame for a log that waits for its disk.
        ending.waitFor(null);
        await logger.fileError(stage, unit.name, { ...error, willRetry: true });
        ending.waitFor("transfer");
        const more = await provide();
        if (!pool.isLive(attempt)) throw refused;
        ending.waitFor(null);
        await logger.fileStart(stage, unit.name, { payload: next, metadata: { ...metadata, ...more }, ...at });
        ending.waitFor("file");
      };
      if (work.prepare) {
        ending.waitFor("transfer");
        await work.prepare(unit, payload, engine, ending.signal);
      }
      ending.waitFor("file");
      const asked = await work.ask(unit, payload, engine, ending.signal, again);
      const { answer } = asked;
      response = asked.response;
      engine?.answered?.();
      const isFirst = pool.answered(attempt, performance.now());
      ending.told();
      if (!isFirst) return this.#outrun(unit, at, response);
      isOver = true;
      if (this.#isTooLarge(response)) context.answers.keep(stage, unit.name, answer);
      const tookMs = durationMs();
      await work.store?.(unit, answer);
      const kept = work.metadata?.(unit, engine, answer);
      await logger.fileComplete(stage, unit.name, { response, ...at, durationMs: tookMs, metadata: kept });
      if (await this.accepted(unit, answer, kept ?? null)) {
        progress.done += 1;
        this.#options.ended(unit, true);
      }
    } catch (caught) {
      if (caught instanceof InputError) {
        if (!isOver) pool.withdrawn(attempt);
        await logger.fileError(stage, unit.name, { error: caught, ...at });
        progress.failed += 1;
        throw caught;
      }
      if (signal.aborted && !(caught instanceof EngineError)) throw caught;
      if (caught instanceof HostGone) {
        // The file has not been asked about.
        pool.gone(attempt.host, caught.message, performance.now());
        pool.returned(attempt, performance.now());
        return;
      }
      if (!isOver && !pool.isLive(attempt)) return this.#outrun(unit, at, undefined);
      const error = ending.why === "overdue" ? overdue(caught as Error, name, durationMs()) : asStopped(caught, ending);
      const refusal = error instanceof EngineError ? error : null;
      if (refusal?.status === null) engine?.brokeOff?.();
      else engine?.answered?.();
      response ??= refusal?.response;
      let outcome = isOver ? { why: error.message } : pool.failed(attempt, error, performance.now());
      if (outcome === "doubtful") {
        const isWell = engine === null || (await this.#isWell(engine, ending));
        outcome = pool.settled(attempt, isWell, performance.now());
      }
      // A file that was in progress when the batch was stopped is attempted again by the next run.
      const willRetry = typeof outcome === "string" || (signal.aborted && (refusal?.retryable ?? false));
      await logger.fileError(stage, unit.name, { error, willRetry, response, ...at, durationMs: durationMs() });
      if (refusal?.fault === "stage") throw new StageFailedError(refusal.message, { cause: refusal });
      if (willRetry) return;
      if (refusal?.retryable) this.unanswered += 1;
      this.#drop(unit);
    } finally {
      if (asking !== undefined) await work.over?.(asking);
    }
    await progress.report();
  }

  /** A unit whose hosts have proven to be well since it failed. `error`: of its last attempt. */
  async giveUp(unit: Unit, why: string, error: Error): Promise<void> {
    const { stage, context, progress } = this.#options;
    await context.logger.fileError(stage, unit.name, { error, metadata: { givenUp: why } });
    this.unanswered += 1;
    this.#drop(unit);
    await progress.report();
  }

  async #ready(engine: EngineHost | null): Promise<void> {
    try {
      await engine?.ready();
    } catch (error) {
      throw error instanceof EngineStartError ? new HostGone(error.message, { cause: error }) : error;
    }
  }

  async #isWell(engine: EngineHost, ending: Ending): Promise<boolean> {
    try {
      await engine.look(AbortSignal.any([ending.signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]));
      return true;
    } catch {
      // The pool looks again, and tells people why it cannot be asked.
      return false;
    }
  }

  /** Takes an answer, fresh or of the log. @returns false when it cannot be used: then the unit has failed */
  accepted(unit: Unit, answer: unknown, metadata: Json): boolean | Promise<boolean> {
    try {
      const accepted = this.#options.work.accept?.(unit, answer, metadata);
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
    const { stage, context } = this.#options;
    const { logger, signal } = context;
    if (signal.aborted) throw signal.reason;
    await logger.fileError(stage, unit.name, { error });
    this.#drop(unit);
    return false;
  }

  #tellHedge(unit: Unit, { number, hedges, rule }: Attempt, { gpuIp }: { gpuIp?: string }): void {
    if (hedges === null) return;
    const { stage, context } = this.#options;
    void context.logger.info(stage, `${gpuIp ?? "This process"} tries it too: ${rule}`, {
      fileName: unit.name,
      ...(gpuIp !== undefined && { gpuIp }),
      metadata: { hedge: { attempt: number, of: hedges.number, rule } },
    });
  }

  /** Another host was asked too, and has answered first. */
  async #outrun(unit: Unit, at: { attempt: number; gpuIp?: string }, response: unknown): Promise<void> {
    const { stage, context } = this.#options;
    const came = response === undefined ? "has been given up" : "came later and does not count";
    const rule = `another host has answered first; the answer of ${at.gpuIp ?? "this one"} ${came}`;
    const { gpuIp } = at;
    await context.logger.info(stage, `${rule[0]!.toUpperCase()}${rule.slice(1)}`, {
      fileName: unit.name,
      ...(gpuIp !== undefined && { gpuIp }),
      metadata: { outrun: { attempt: at.attempt, rule } },
      ...(response !== undefined && { response }),
    });
  }

  /** The log would cut it. */
  #isTooLarge(response: unknown): boolean {
    const { stage, context } = this.#options;
    const text = response instanceof JsonText ? response.text : JSON.stringify(response);
    return Buffer.byteLength(text ?? "") > context.logger.textLimit(stage);
  }

  #drop(unit: Unit): void {
    const { progress, work } = this.#options;
    progress.failed += 1;
    work.dropped?.(unit);
    this.#options.ended(unit, false);
  }

  #leaveOut(unit: Unit, { reason }: LeftOut): void {
    const { progress, context, stage, work } = this.#options;
    progress.total -= 1;
    skip(context, stage, unit.name, reason);
    work.dropped?.(unit);
    this.#options.ended(unit, false);
  }
}

/** A host that does not come back in this stage. */
class HostGone extends Error {}

/** What was cut short, by whatever it was interrupted, may be tried again. */
function asStopped(error: unknown, { signal }: Ending): Error {
  return signal.aborted && !(error instanceof EngineError)
    ? new EngineError("The work was stopped.", { status: null, type: "stopped", fault: "answer", cause: error })
    : (error as Error);
}

function overdue(error: Error, host: string | null, afterMs: number): EngineError {
  const message =
    `${host ?? "This process"} did not answer within ${(afterMs / 1000).toFixed(1)} s, which is far longer than nearly all other files ` +
    "took, or than COFI_ENGINE_TIMEOUT_S.";
  const response = error instanceof EngineError ? error.response : undefined;
  return new EngineError(message, { status: null, type: "timeout", fault: "host", response, cause: error });
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
