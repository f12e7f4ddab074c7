/** ISO 8601 times with an offset, or local ones in the zone of the batch. */
import { clockIn, instantsAt } from "@cofi/event-log/zone-clock";
import { InputError } from "../input-error.js";

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?$/i;

/** Why a text is not a time: the end of a sentence that starts with the text. */
export class TimeError extends Error {}

/**
 * The IANA zone of times without an offset: `COFI_TIME_ZONE`, else UTC.
 * @throws InputError naming the variable when there is no such zone
 */
export function batchTimeZone(environment: NodeJS.ProcessEnv): string {
  const zone = environment["COFI_TIME_ZONE"] || "UTC";
  try {
    dayIn(new Date(0), zone);
  } catch (error) {
    throw new InputError(
      `COFI_TIME_ZONE is "${zone}", which is no time zone: give an IANA name such as Asia/Kolkata or UTC.`,
      { cause: error },
    );
  }
  return zone;
}

/** The instant at which clocks in `zone` show `local`; the earlier one of an hour that comes twice. */
function instantOf(local: number, zone: string): number {
  const [instant] = instantsAt(local, zone);
  if (instant === undefined)
    throw new TimeError(`does not exist in ${zone}: clocks were put forward over it; give the time with its offset`);
  return instant;
}

/**
 * Reads `2026-11-20T09:15:30.250+05:30`, `2026-11-20 03:45Z` or, as local time in `zone`, `2026-11-20T09:15:30`.
 * @throws TimeError saying what is wrong
 */
export function parseTime(text: string, zone: string): Date {
  const match = ISO.exec(text);
  if (!match) throw new TimeError("is not an ISO 8601 time such as 2026-11-20T09:15:30+05:30");
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((field) => Number(field ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const millisecond = Number((match[7] ?? "").padEnd(3, "0").slice(0, 3));
  const local = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
  const onCalendar = new Date(local).getUTCMonth() === month - 1 && new Date(local).getUTCDate() === day;
  if (!onCalendar || hour > 23 || minute > 59 || second > 59)
    throw new TimeError("is not on the calendar or the clock");
  if (year < 1970) throw new TimeError("lies before 1970");
  const offset = match[8]?.toUpperCase();
  if (!offset) return new Date(instantOf(local, zone));
  if (offset === "Z") return new Date(local);
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(":", "") || 0);
  if (hours > 15 || minutes > 59) throw new TimeError(`has the offset ${offset}, which no zone has`);
  return new Date(local - (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000);
}

/** The calendar day of an instant in `zone`, `YYYY-MM-DD`. */
export function dayIn(time: Date, zone: string): string {
  return new Date(clockIn(time.getTime(), zone)).toISOString().slice(0, 10);
}
