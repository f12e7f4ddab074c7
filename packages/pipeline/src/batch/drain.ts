/** Waits for the database to have what was logged. */
import type { EventLogger } from "@cofi/event-log/event-logger";
import type { Stopping } from "./stopping.js";

/** How long the database may take before the operator is told that it is waited for. */
const PATIENCE_MS = 5_000;
const DRAIN_AGAIN_MS = 1_000;

export interface DrainOptions {
  stopping: Stopping;
  report: (message: string) => void;
  /** Aborts when nobody needs it any more. */
  ending?: AbortSignal;
}

/**
 * Waits until the database has what was logged: as long as it takes, or for what is left when the batch is to stop.
 * @returns false when it has not, or is not waited for any more
 */
export async function drain(logger: EventLogger, { stopping, report, ending }: DrainOptions): Promise<boolean> {
  const { signal } = stopping;
  const started = performance.now();
  let isReported = false;
  while (!signal.aborted) {
    if (await logger.drain(DRAIN_AGAIN_MS)) return true;
    // Its logger may be closed by now.
    if (ending?.aborted) return false;
    if (!isReported && performance.now() - started > PATIENCE_MS) {
      report("Waiting for the database to take the last events; Ctrl-C leaves them in the spool for the next run.");
      isReported = true;
    }
  }
  return logger.drain(Math.min(PATIENCE_MS, stopping.unwindMs()));
}
