/** Those that work for a stage: starts its engines, or works in this process, and gives the units to the hosts by a pool. */
import type { Json } from "@cofi/event-log/events";
import { isStageName, type WorkName } from "@cofi/event-log/stages";
import type { RunningEngines, Runtime } from "../runtime/runtime.js";
import { StageFailedError, type Attempts } from "./attempts.js";
import type { BatchContext } from "./context.js";
import { Crew } from "./crew.js";
import { namedHost, THIS_PROCESS, type NamedHost } from "./named-hosts.js";
import type { StageWork, Unit } from "./stage.js";
import { StageHosts } from "./stage-hosts.js";
import { StageSlots } from "./stage-slots.js";
import type { Stopping } from "./stopping.js";

export interface StageWorkersOptions {
  stage: WorkName;
  work: StageWork<Unit, unknown>;
  attempts: Attempts;
  context: BatchContext;
  runtime: Runtime;
  stopping: Stopping;
  /** Aborts when nothing new is to be begun, although the batch is not stopped. */
  ending: AbortSignal;
}

/** The units of a stage in work. */
interface AtWork {
  admit: (unit: number) => void;
  withhold: (unit: number) => void;
}

export class StageWorkers {
  readonly #options: StageWorkersOptions;
  #atWork: AtWork | null = null;

  constructor(options: StageWorkersOptions) {
    this.#options = options;
  }

  /**
   * Has all units worked on until they are over. `ready`: so many of them, the first ones, need not be admitted.
   * `begun` is called once units can be admitted.
   * @throws StageFailedError, EngineStartError when the stage cannot continue
   */
  async workOn(units: readonly Unit[], ready: number, begun: () => void): Promise<void> {
    const { work } = this.#options;
    if (work.answeredBy === "engine") return this.#withEngines(units, ready, begun);
    return this.#withHosts(units, ready, { named: [THIS_PROCESS] }, begun);
  }

  /** Whether units can be admitted. */
  get isAtWork(): boolean {
    return this.#atWork !== null;
  }

  /** This unit, by its place, need not be waited for any longer. */
  admit(unit: number): void {
    this.#atWork?.admit(unit);
  }

  /** This unit, by its place, will not come. */
  withhold(unit: number): void {
    this.#atWork?.withhold(unit);
  }

  async #withEngines(units: readonly Unit[], ready: number, begun: () => void): Promise<void> {
    const { stage, context, runtime, stopping, ending } = this.#options;
    const { logger, batchId } = context;
    if (!isStageName(stage)) throw new TypeError(`The step ${stage} has no engine.`);
    const listener = {
      info: (message: string, metadata: Json) => void logger.info(stage, message, { metadata }),
      error: (message: string, metadata: Json) =>
        void logger.fileError(stage, null, { error: message, willRetry: true, metadata }),
    };
    const signal = AbortSignal.any([context.signal, ending]);
    const engines: RunningEngines = await runtime.start(stage, batchId, listener, signal).catch((error: unknown) => {
      // A start that is cut short, in whatever words, is not what the stage fails with.
      ending.throwIfAborted();
      throw error;
    });
    const stop = (): Promise<void> => engines.stop(stopping.hard);
    // Files whose log cannot be written hold the stage up, but not its engines.
    const onHard = (): void => void stop().catch(() => undefined);
    stopping.hard.addEventListener("abort", onHard, { once: true });
    try {
      await this.#withHosts(units, ready, { ...engines, named: engines.hosts.map(namedHost) }, begun);
    } finally {
      stopping.hard.removeEventListener("abort", onHard);
      await stop();
    }
  }

  async #withHosts(
    units: readonly Unit[],
    ready: number,
    engines: Pick<RunningEngines, "watch"> & { named: readonly NamedHost[] },
    begun: () => void,
  ): Promise<void> {
    const { context, attempts, stopping, ending } = this.#options;
    const crew = new Crew(engines.named, this.#options);
    const pool = crew.newPool(units, ready, engines.watch !== undefined);
    const stageHosts = new StageHosts({
      pool,
      stopping,
      ending,
      make: (attempt, how) => attempts.make(units[attempt.unit]!, crew.hosts[attempt.host]!, pool, attempt, how),
      look: async (host, looking) => crew.hosts[host]!.engine?.look(looking),
      giveUp: (unit, why, error) => attempts.giveUp(units[unit]!, why, error),
      changed: (change) => {
        crew.say(change);
        slots.changed(change);
      },
      released: (host) => slots.released(host),
      failure: (why) => new StageFailedError(why),
    });
    const told = (): void => stageHosts.decide();
    const slots = new StageSlots({
      stage: this.#options.stage,
      slots: context.slots,
      pool,
      hosts: crew.hosts,
      told,
      failed: (reason) => stageHosts.fail(reason),
    });
    await slots.begin();
    const unwatch = engines.watch?.(
      (hosts) => {
        crew.follow(hosts, pool);
        told();
      },
      (message) => void context.logger.fileError(this.#options.stage, null, { error: message, willRetry: true }),
    );
    this.#atWork = {
      admit: (unit) => {
        pool.admit(unit, crew.preferredBy(units[unit]!));
        told();
      },
      withhold: (unit) => {
        pool.withhold(unit);
        told();
      },
    };
    const end = stageHosts.toTheEnd();
    begun();
    try {
      await end;
    } finally {
      this.#atWork = null;
      unwatch?.();
      if (!context.signal.aborted) crew.remember(pool);
      await stopping.toTheEnd(slots.end());
    }
  }
}
