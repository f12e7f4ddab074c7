/** Retention: its settings, the command's report, and the daily run of `cofi serve`. */
import type { Database } from "@cofi/event-log/database";
import { prune, type PrunedBatch } from "@cofi/event-log/retention";
import { SettingsError } from "@cofi/event-log/environment";
import type { Logger } from "pino";

const UNITS = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000, y: 365 * 86_400_000 } as const;
const LEAST_MS = UNITS.d;

/**
 * Converts an age such as `90d` (h, d, w or y, at least one day) to ms; null for an empty text.
 * @throws SettingsError that names the wrong setting, `what`
 */
export function keepMs(what: string, text: string | undefined): number | null {
  const given = text?.trim();
  if (!given) return null;
  const [, count, unit] = /^(\d{1,6})\s?([hdwy])$/.exec(given) ?? [];
  const ms = Number(count) * UNITS[(unit ?? "d") as keyof typeof UNITS];
  if (!(ms >= LEAST_MS))
    throw new SettingsError(
      `${what} is ${JSON.stringify(text)}; expected an age such as 90d, 12w or 7y, of at least 1d.`,
    );
  return ms;
}

export interface Keep {
  keepPayloadsMs: number | null;
  keepEventsMs: number | null;
}

/** COFI_KEEP_PAYLOADS and COFI_KEEP_EVENTS. @throws SettingsError */
export function configuredKeep(): Keep {
  return {
    keepPayloadsMs: keepMs("COFI_KEEP_PAYLOADS", process.env["COFI_KEEP_PAYLOADS"]),
    keepEventsMs: keepMs("COFI_KEEP_EVENTS", process.env["COFI_KEEP_EVENTS"]),
  };
}

/** `Batch 7 (night), ended 2026-01-02: payloads of 12,345 events, 61.7 MB`. */
export function describePruned({ id, name, endedAt, what, events, bytes }: PrunedBatch): string {
  const count = events.toLocaleString("en");
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  const gone =
    what === "payloads" ? `payloads of ${count} events, ${size}` : `${count} events and all results, ${size}`;
  return `Batch ${id} (${name}), ended ${endedAt.slice(0, 10)}: ${gone}`;
}

/**
 * COFI_PRUNE_AT, `HH:MM` in UTC: runs once a day from now on, until the signal aborts. Does nothing when it is not set.
 * @throws SettingsError when it is wrong, or no age is configured
 */
export function schedulePrune(database: Database, logger: Logger, signal: AbortSignal): void {
  const at = process.env["COFI_PRUNE_AT"]?.trim();
  if (!at) return;
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(at) ?? [];
  if (hours === undefined) throw new SettingsError(`COFI_PRUNE_AT is ${JSON.stringify(at)}; expected HH:MM, UTC.`);
  const keep = configuredKeep();
  if (keep.keepEventsMs === null && keep.keepPayloadsMs === null)
    throw new SettingsError(
      "COFI_PRUNE_AT is set, but neither COFI_KEEP_PAYLOADS nor COFI_KEEP_EVENTS sets an age. Set one of them, or unset COFI_PRUNE_AT.",
    );
  const schedule = (): void => {
    const now = new Date();
    const next = new Date(now);
    next.setUTCHours(Number(hours), Number(minutes), 0, 0);
    if (next <= now) next.setUTCDate(next.getUTCDate() + 1);
    const timer = setTimeout(() => void runOnce().finally(schedule), next.getTime() - now.getTime());
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  };
  const runOnce = async (): Promise<void> => {
    try {
      const pruned = await prune(database, { ...keep, signal });
      // Logged at a level that is shown by default, so that anyone who misses old data can find out why.
      if (pruned === null) logger.warn("retention: another process is at it");
      else logger.warn({ pruned }, `retention: ${pruned.length} batches pruned`);
    } catch (error) {
      logger.error({ err: error }, "retention: nothing more was removed");
    }
  };
  schedule();
}
