/** The time zone in which the page shows times. */
import { clockIn, instantsNear } from "@cofi/event-log/zone-clock";

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

/**
 * Returns the instant of a time as it is typed; ISO 8601, UTC. null if it is none.
 * @param text `YYYY-MM-DDTHH:MM`, with or without seconds
 */
export function instantOf(text: string, zone: Zone): string | null {
  const wall = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  if (Number.isNaN(wall)) return null;
  const [first = wall] = instantsNear(wall, timeZoneOf(zone));
  return new Date(first).toISOString();
}

/** The time that {@link instantOf} reads; empty for no instant. */
export function localTimeOf(instant: string, zone: Zone): string {
  const time = new Date(instant);
  if (Number.isNaN(time.getTime())) return "";
  return new Date(clockIn(time.getTime(), timeZoneOf(zone))).toISOString().slice(0, 19);
}
