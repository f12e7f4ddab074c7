/** The time zone in which the page shows times. */
import { instantsNear } from "@cofi/event-log/zone-clock";

/** `local`: the browser's; `utc`; or an IANA name such as `Asia/Kolkata`. */
export type Zone = string;

/** Current names of cities that browsers list under outdated names. */
const NEW_NAMES: Readonly<Record<string, string>> = {
  "America/Godthab": "America/Nuuk",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Europe/Kiev": "Europe/Kyiv",
};

export function isZone(value: string): value is Zone {
  if (value === "local" || value === "utc") return true;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: value }).format(0) !== "";
  } catch {
    return false;
  }
}

/** The IANA name. */
export function timeZoneOf(zone: Zone): string {
  if (zone === "utc") return "UTC";
  return zone === "local" ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone;
}

/** All zones that this browser knows, by name. */
export function listedZones(): string[] {
  const names = Intl.supportedValuesOf("timeZone").map((name) => {
    const today = NEW_NAMES[name];
    return today !== undefined && isZone(today) ? today : name;
  });
  return [...new Set(names)].filter((name) => name !== "UTC").toSorted();
}

/**
 * Returns the instant at which a day begins, `later` days later; ISO 8601, UTC. null if `day` is not a day.
 * @param day `YYYY-MM-DD`
 */
export function startOfDay(day: string, daysLater: number, zone: Zone): string | null {
  const [, year, month, date] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day) ?? [];
  if (year === undefined || month === undefined || date === undefined) return null;
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(date) + daysLater);
  const [first = midnight] = instantsNear(midnight, timeZoneOf(zone));
  return new Date(first).toISOString();
}
