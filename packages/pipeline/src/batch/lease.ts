/** The right to run a batch, held by one process at a time, for as long as the database confirms it. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Batch, Json } from "@cofi/event-log/events";
import type { Run, RunOutcome } from "@cofi/event-log/runs";
import type { Store } from "@cofi/event-log/store";

/** Another process runs this batch. */
export class BatchInUseError extends Error {
  override readonly name = "BatchInUseError";
}

/** The database did not renew the lease in time: another host may run the batch by now. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

/** Whether the reason of an abort is that the batch may not be run by this process any more. */
export function isLost(reason: unknown): boolean {
  return reason instanceof BatchInUseError || reason instanceof LeaseLostError;
}

export interface LeaseOptions {
  /** How long the right outlives its last renewal. */
  leaseMs: number;
  /** Of Cofi, and the configuration in force: recorded with the run. */
  version: string;
  configuration: Json;
  report: (message: string) => void;
}

/**
 * Renewed three times within its length. When no renewal has been confirmed for a whole length, {@link lost} aborts: this
 * host may be cut off from a database that others reach. The length is measured by the monotonic clock, from before the
 * request that was confirmed: neither a clock that is set nor a process that is suspended makes it longer. Where the whole machine
 * sleeps that clock stands still: its run hears that it was taken over when the database refuses its next write.
 */
export class Lease {
  readonly run: Run;
  readonly #store: Store;
  readonly #batch: Batch;
  readonly #options: LeaseOptions;
  readonly #lost = new AbortController();
  readonly #renewal: NodeJS.Timeout;
  #expiry: NodeJS.Timeout | undefined;
  /** `performance.now()` until which the lease is held for certain. */
  #heldUntil: number;

  private constructor(store: Store, batch: Batch, run: Run, options: LeaseOptions, askedAt: number) {
    this.#store = store;
    this.#batch = batch;
    this.run = run;
    this.#options = options;
    this.#heldUntil = askedAt + options.leaseMs;
    this.#renewal = setInterval(() => void this.#renew(), options.leaseMs / 3);
    this.#watchExpiry();
  }

  /** Begins the next run of the batch. @throws BatchInUseError; DatabaseUnavailableError */
  static async take(store: Store, batch: Batch, options: LeaseOptions): Promise<Lease> {
    const owner = `${hostname().slice(0, 24)}:${process.pid}:${randomUUID().slice(0, 8)}`;
    const askedAt = performance.now();
    const run = await store.beginRun(batch.id, { ...options, owner });
    if (!run)
      throw new BatchInUseError(
        `Batch ${batch.id} (${batch.name}) is being run by another process. Wait for it to end; ` +
          `after a crash its lease runs out within ${options.leaseMs / 1000} s.`,
      );
    return new Lease(store, batch, run, options, askedAt);
  }

  /** Aborts with {@link BatchInUseError} or {@link LeaseLostError} when the batch may no longer be run by this process. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** A write was refused, because a newer run has begun. */
  supersede(): void {
    this.#lost.abort(new BatchInUseError(`Batch ${this.#batch.id} was taken over by another process.`));
  }

  /** Gives the lease back and records how the run ended. Never rejects: a lease that is not given back runs out. */
  async release(outcome: RunOutcome): Promise<void> {
    clearInterval(this.#renewal);
    clearTimeout(this.#expiry);
    await this.#store.endRun(this.run, outcome).catch((error: Error) => this.#options.report(error.message));
  }

  async #renew(): Promise<void> {
    const { leaseMs, report } = this.#options;
    const askedAt = performance.now();
    try {
      if (await this.#store.renewRun(this.run, leaseMs)) {
        this.#heldUntil = Math.max(this.#heldUntil, askedAt + leaseMs);
        this.#watchExpiry();
      } else this.supersede();
    } catch (error) {
      report(`The lease could not be renewed: ${(error as Error).message}`);
    }
  }

  #watchExpiry(): void {
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(
      () => {
        const { leaseMs } = this.#options;
        this.#lost.abort(
          new LeaseLostError(
            `The lease of batch ${this.#batch.id} could not be renewed for ${leaseMs / 1000} s, so another host may run the ` +
              "batch by now: this run has stopped. When the database is back, the same command continues.",
          ),
        );
      },
      Math.max(0, this.#heldUntil - performance.now()),
    );
  }
}
