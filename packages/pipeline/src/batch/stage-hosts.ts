/** Gives the units of a stage to its hosts as the pool decides, until all are over. */
import type { Attempt, HostChange, HostPool } from "../pool/host-pool.js";
import { troubleOf } from "../pool/trouble.js";
import { EngineStartError } from "../runtime/runtime.js";
import type { Stopping } from "./stopping.js";

export interface StageHostsOptions {
  pool: HostPool;
  stopping: Stopping;
  /** Aborts when nothing new is to be begun, although the batch is not stopped. */
  ending: AbortSignal;
  /** Makes one attempt and tells the pool what became of it. Rejects only when the stage cannot continue. */
  make: (attempt: Attempt, ending: Ending) => Promise<void>;
  /** One look at a host. @throws EngineStartError when it does not come back, else why it cannot work */
  look: (host: number, signal: AbortSignal) => Promise<void>;
  giveUp: (unit: number, why: string, error: Error) => Promise<void>;
  changed: (change: HostChange) => void;
  /** A file has left the host: its slot is free. */
  released: (host: number) => void;
  /** What the stage fails with. */
  failure: (why: string) => Error;
}

/** How an attempt is watched, and ended from outside. */
export interface Ending {
  /** As `waitFor` of the pool: the host is waited for from now on, or, with null, others are. */
  readonly waitFor: (what: "file" | "transfer" | null) => void;
  /** Has the pool decide, after it was told something. */
  readonly told: () => void;
  /** Aborts when its answer is not waited for any longer. */
  readonly signal: AbortSignal;
  /** Why; null while it is waited for, and when the batch is stopped. */
  why: "overdue" | "outrun" | null;
}

/** How long a host may take to say that it can work: longer than a connection is tried for, so that it is known whether there is one. */
export const LOOK_TIMEOUT_MS = 15_000;
/** Two decisions are at least so far apart, unless something happens. */
const LEAST_WAIT_MS = 5;

export class StageHosts {
  readonly #options: StageHostsOptions;
  readonly #endings = new Map<Attempt, { ending: Ending; controller: AbortController }>();
  readonly #work = new Set<Promise<void>>();
  readonly #looks = new AbortController();
  #failure: { reason: unknown } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isDeciding = false;
  #decidedAt = 0;
  /** null before it begins. */
  #ended: (() => void) | null = null;

  constructor(options: StageHostsOptions) {
    this.#options = options;
  }

  /** Rejects with the first failure when the stage cannot continue, after everything in work has ended. */
  async toTheEnd(): Promise<void> {
    const { stopping, ending } = this.#options;
    const onStop = (): void => this.decide();
    const onHard = (): void => this.#endAll();
    stopping.signal.addEventListener("abort", onStop, { once: true });
    ending.addEventListener("abort", onStop, { once: true });
    stopping.hard.addEventListener("abort", onHard, { once: true });
    try {
      await new Promise<void>((resolve) => {
        this.#ended = resolve;
        this.decide();
      });
    } finally {
      clearTimeout(this.#timer);
      this.#looks.abort();
      stopping.signal.removeEventListener("abort", onStop);
      ending.removeEventListener("abort", onStop);
      stopping.hard.removeEventListener("abort", onHard);
    }
    if (this.#failure) throw this.#failure.reason;
  }

  /** Does what the pool decides now: to be called after the pool was told anything. */
  decide(): void {
    // What is done about a decision may call for the next one: not within this one.
    if (this.#isDeciding || this.#ended === null) return;
    const { pool, changed, failure } = this.#options;
    this.#isDeciding = true;
    const now = performance.now();
    this.#decidedAt = now;
    for (const decision of pool.decide(now, this.#isStopped)) {
      if (decision.do === "ask") this.#make(decision.attempt);
      else if (decision.do === "look") this.#lookAt(decision.host);
      else if (decision.do === "drop") this.#drop(decision.attempt, decision.why);
      else this.#start(this.#options.giveUp(decision.unit, decision.why, decision.error));
    }
    const why = this.#isStopped ? null : pool.hopeless(now);
    if (why !== null) this.fail(failure(why));
    for (const change of pool.changes()) changed(change);
    this.#isDeciding = false;
    if ((pool.isOver || this.#isStopped) && this.#work.size === 0) return this.#ended();
    this.#wait();
  }

  /** Nothing new is begun. */
  get #isStopped(): boolean {
    const { stopping, ending } = this.#options;
    return this.#failure !== null || stopping.signal.aborted || ending.aborted;
  }

  /** Decides again when the pool has to, although nothing happened. */
  #wait(): void {
    clearTimeout(this.#timer);
    // As of the last decision: what became due since then was not decided on.
    const leftMs = this.#options.pool.nextAt(this.#decidedAt, this.#isStopped) - performance.now();
    // A timer that nobody waits for would keep the process from ending.
    if (this.#isStopped && leftMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(Math.max(LEAST_WAIT_MS, leftMs), 2 ** 31 - 1);
    this.#timer = setTimeout(() => this.decide(), waitMs);
  }

  #make(attempt: Attempt): void {
    const controller = new AbortController();
    const waitFor = (what: "file" | "transfer" | null): void => {
      this.#options.pool.waitFor(attempt, what, performance.now());
      this.#wait();
    };
    const ending: Ending = { signal: controller.signal, why: null, waitFor, told: () => this.decide() };
    this.#endings.set(attempt, { ending, controller });
    if (this.#options.stopping.hard.aborted) controller.abort();
    this.#start(
      this.#options.make(attempt, ending).finally(() => {
        this.#endings.delete(attempt);
        this.#options.pool.release(attempt);
        this.#options.released(attempt.host);
      }),
    );
  }

  #start(work: Promise<void>): void {
    const over = work
      .catch((reason: unknown) => this.fail(reason))
      .finally(() => {
        this.#work.delete(over);
        this.decide();
      });
    this.#work.add(over);
  }

  #drop(attempt: Attempt, why: "overdue" | "outrun"): void {
    const found = this.#endings.get(attempt);
    if (!found || found.ending.why !== null) return;
    found.ending.why = why;
    found.controller.abort();
  }

  #lookAt(host: number): void {
    const { pool, look } = this.#options;
    const signal = AbortSignal.any([this.#looks.signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]);
    // Nobody waits for it at the end of the stage.
    void look(host, signal)
      .then(
        () => pool.looked(host, null, performance.now()),
        (error: unknown) => {
          if (error instanceof EngineStartError) pool.gone(host, error.message, performance.now());
          else pool.looked(host, troubleOf(error as Error), performance.now());
        },
      )
      .finally(() => {
        if (!this.#looks.signal.aborted) this.decide();
      });
  }

  /** The stage cannot continue. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    // What is in work when the batch is stopped may end until the grace period is over.
    if (!this.#options.stopping.signal.aborted) this.#endAll();
  }

  #endAll(): void {
    for (const { controller } of this.#endings.values()) controller.abort();
  }
}
