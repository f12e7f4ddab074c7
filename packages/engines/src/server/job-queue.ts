import { EngineProblem } from "./problem.js";

interface WaitingJob {
  start(): void;
  refuse(problem: EngineProblem): void;
}

/**
 * Runs at most `parallel` jobs at once and lets at most `maxWaiting` more wait, first come first served. What comes on top
 * is refused with 503 `engine-busy`, so that a flood of requests cannot fill the memory.
 */
export class JobQueue {
  readonly #parallel: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<WaitingJob>();
  readonly #running = new Set<Promise<unknown>>();
  #slotsTaken = 0;
  #closed = false;

  constructor(parallel: number, maxWaiting: number) {
    this.#parallel = parallel;
    this.#maxWaiting = maxWaiting;
  }

  /** Runs the job when its turn comes. A job whose signal aborts while it waits is never started. */
  async run<T>(job: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#closed) throw shuttingDown();
    if (this.#slotsTaken < this.#parallel) this.#slotsTaken++;
    else await this.#slotFromAnEndedJob(signal);
    const running = job();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      const next = this.#waiting.values().next();
      if (next.done) this.#slotsTaken--;
      else next.value.start();
    }
  }

  /** Refuses what is waiting and resolves when everything that runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting) waiting.refuse(shuttingDown());
    await Promise.allSettled(this.#running);
  }

  #slotFromAnEndedJob(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#maxWaiting) {
      throw busy(`${this.#parallel} files are being processed and ${this.#maxWaiting} are waiting.`, 2);
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(job);
        signal.removeEventListener("abort", gone);
      };
      const gone = (): void => {
        leave();
        reject(busy("The client went away before its turn came.", 1));
      };
      const job: WaitingJob = {
        start: () => {
          leave();
          resolve();
        },
        refuse: (problem) => {
          leave();
          reject(problem);
        },
      };
      this.#waiting.add(job);
      signal.addEventListener("abort", gone);
      if (signal.aborted) gone();
    });
  }
}

function shuttingDown(): EngineProblem {
  return busy("The engine is shutting down.", 5);
}

function busy(detail: string, retryAfterS: number): EngineProblem {
  return new EngineProblem(503, "engine-busy", "The engine cannot take this file now", detail, { retryAfterS });
}
