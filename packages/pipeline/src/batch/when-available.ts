/** Waiting for a database: for any that is away once a batch has begun, before that only for one that is there and busy. */
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseBusyError, DatabaseUnavailableError } from "@cofi/event-log/database";

const RETRY_MS = 1_000;

interface Waiting {
  /** Ends the waiting; what is thrown then is its reason. */
  signal: AbortSignal;
  /** Called once, when there is something to wait for. */
  report: (message: string) => void;
}

/** Runs `work`, again and again while the database is away. @throws the signal's reason when it aborts meanwhile */
export async function whenAvailable<T>(work: () => Promise<T>, waiting: Waiting): Promise<T> {
  return again(work, DatabaseUnavailableError, waiting);
}

/** Runs `work`, again and again while another process writes to the database, which ends by itself. @throws as {@link whenAvailable} */
export async function whenFree<T>(work: () => Promise<T>, waiting: Waiting): Promise<T> {
  return again(work, DatabaseBusyError, waiting);
}

async function again<T>(
  work: () => Promise<T>,
  passing: typeof DatabaseUnavailableError,
  { signal, report }: Waiting,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof passing)) throw error;
      if (signal.aborted) throw error;
      if (attempt === 1) report(`${error.message} Waiting for it.`);
      await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  }
}
