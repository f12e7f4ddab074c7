/** The settings of retention: how long what is kept. */
import { SettingsError } from "@cofi/event-log/environment";

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
