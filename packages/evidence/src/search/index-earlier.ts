import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { TranscriptSearch } from "./transcript-search.js";

/** ms until a database that is away is asked again. */
const AWAY_MS = 5_000;

/**
 * Indexes the transcripts of earlier versions, so that they can be found: a few at a time, and half of the time, beside all other work.
 * Several processes may do so at once. Ends when there are none left, or when the signal aborts.
 * @throws an error of the database that no waiting mends
 */
export async function indexEarlier(search: TranscriptSearch, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const begun = performance.now();
    let pauseMs = AWAY_MS;
    try {
      if (!(await search.indexSome())) return;
      pauseMs = performance.now() - begun;
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
