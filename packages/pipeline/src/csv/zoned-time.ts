/** Instants of times with an offset, or of local ones in the zone of the batch. */
import { clockIn, instantsAt } from "@cofi/event-log/zone-clock";
import { InputError } from "../input-error.js";
import { isPossible, type ClockText } from "./time-text.js";

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

/** Years of which a call or a trade can be. */
const YEARS = { first: 1970, last: 2199 };
const OTHER_YEAR = `lies before ${YEARS.first} or after ${YEARS.last}`;

/**
 * The instant of a time with an offset, or of one that clocks in `zone` show; the earlier one of an hour that comes twice.
 * @returns why there is none, as the end of a sentence that starts with the time
 */
export function instantOfClock(clock: ClockText, zone: string): Date | string {
  const { year, month, day, time, offset } = clock;
  if (time === null) return "has a day but no time of day";
  if (!isPossible(clock)) return "is not on the calendar or the clock";
  if (year < YEARS.first || year > YEARS.last) return OTHER_YEAR;
  const { hour, minute, second, millisecond } = time;
  const local = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
  if (offset === null) {
    const [instant] = instantsAt(local, zone);
    if (instant !== undefined) return new Date(instant);
    return `does not exist in ${zone}: clocks were put forward over it; give the time with its offset`;
  }
  if (offset.toUpperCase() === "Z") return new Date(local);
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(":", "") || 0);
  if (hours > 15 || minutes > 59) return `has the offset ${offset}, which no zone has`;
  return new Date(local - (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000);
}

/** The instant of a number of ms since 1970; why it can be none of a call or a trade, as in {@link instantOfClock}. */
export function instantOfEpoch(ms: number): Date | string {
  return ms < Date.UTC(YEARS.last + 1, 0) ? new Date(ms) : OTHER_YEAR;
}

/** The calendar day of an instant in `zone`, `YYYY-MM-DD`. */
export function dayIn(time: Date, zone: string): string {
  return new Date(clockIn(time.getTime(), zone)).toISOString().slice(0, 10);
}
