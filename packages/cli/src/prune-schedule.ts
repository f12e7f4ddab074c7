/** The daily run of retention in `cofi serve`. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "@cofi/event-log/database";
import { SettingsError } from "@cofi/event-log/environment";
import type { Logger } from "pino";
import { pruneAll } from "./prune-all.js";
import { configuredKeep, type Keep } from "./retention.js";

export interface PruneSchedule extends Keep {
  /** UTC. */
  hours: number;
  minutes: number;
}

/** COFI_PRUNE_AT, `HH:MM` in UTC; null when it is not set. @throws SettingsError when it is wrong, or no age is configured */
export function configuredSchedule(): PruneSchedule | null {
  const at = process.env["COFI_PRUNE_AT"]?.trim();
  if (!at) return null;
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(at) ?? [];
  if (hours === undefined) throw new SettingsError(`COFI_PRUNE_AT is ${JSON.stringify(at)}; expected HH:MM, UTC.`);
  const keep = configuredKeep();
  if (keep.keepEventsMs === null && keep.keepPayloadsMs === null)
    throw new SettingsError(
      "COFI_PRUNE_AT is set, but neither COFI_KEEP_PAYLOADS nor COFI_KEEP_EVENTS sets an age. Set one of them, or unset COFI_PRUNE_AT.",
    );
  return { ...keep, hours: Number(hours), minutes: Number(minutes) };
}

/** Prunes once a day until the signal aborts. Resolves when nothing of it uses the database any more; never rejects. */
export async function pruneDaily(
  { hours, minutes, ...keep }: PruneSchedule,
  database: Database,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<void> {
  for (;;) {
    const now = new Date();
    const next = new Date(now);
    next.setUTCHours(hours, minutes, 0, 0);
    if (next <= now) next.setUTCDate(next.getUTCDate() + 1);
    // It rejects only when the signal aborts.
    await sleep(next.getTime() - now.getTime(), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      // Logged at a level that is shown by default, so that anyone who misses old data can find out why.
      const report = (message: string): void => logger.warn(`retention: ${message}`);
      const outcome = await pruneAll(database, { ...keep, signal, report });
      if (outcome === null) logger.warn("retention: another process prunes this database");
      else logger.warn(outcome, `retention: ${outcome.pruned.length} batches pruned`);
    } catch (error) {
      logger.error({ err: error }, "retention: nothing more was removed");
    }
  }
}
