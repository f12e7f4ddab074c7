/**
 * Dates and times as people write them. Without a format only texts with one meaning are read: the year first, the name of the month, or a
 * day that cannot be a month.
 */

/** The fields of a time as they were written, not checked against the calendar. */
export interface ClockText {
  year: number;
  month: number;
  day: number;
  /** null for a text that has no time of day. */
  time: { hour: number; minute: number; second: number; millisecond: number } | null;
  /** `Z`, `+05:30`; null where the text has none. */
  offset: string | null;
}

/** `isUnusual`: it is not ISO 8601. `problem` continues a sentence that starts with the column's name. */
export type ReadTime = { clock: ClockText; isUnusual: boolean } | { problem: string };

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const MONTH_NAMES = [
  "JANUARY",
  "FEBRUARY",
  "MARCH",
  "APRIL",
  "MAY",
  "JUNE",
  "JULY",
  "AUGUST",
  "SEPTEMBER",
  "OCTOBER",
  "NOVEMBER",
  "DECEMBER",
];

/** 1 to 12; null for another word. */
export function monthOf(word: string): number | null {
  const name = word.toUpperCase();
  const at = name === "SEPT" ? 8 : name.length === 3 ? MONTHS.indexOf(name) : MONTH_NAMES.indexOf(name);
  return at === -1 ? null : at + 1;
}

const YEAR_FIRST = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)/;
const YEAR_LAST = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?!\d)/;
const DAY_AND_NAME = /^(?:[a-z]{3,9},?\s+)?(\d{1,2})(?:st|nd|rd|th)?[-\s/.]*([a-z]{3,9})[-\s/.,]*(\d{4})(?!\d)/i;
const NAME_AND_DAY = /^(?:[a-z]{3,9},?\s+)?([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\d)/i;
const COMPACT = /^(\d{4})(\d\d)(\d\d)(?=$|[T\s]|\d{6})/i;
/** Hours and minutes with a colon or a point between them, or all in one; a name of the zone may follow its offset in brackets. */
const TIME =
  /^(?:T|,?\s+|\s*-\s+)?(?:(\d{1,2})([:.])(\d\d)(?:\2(\d\d)(?:[.,](\d{1,9}))?)?|(\d\d)(\d\d)(\d\d))(?:\s?([ap])\.?m\.?)?(?:\s?(Z|(?:UTC|GMT)?[+-]\d\d(?::?\d\d)?|UTC|GMT)(?:\s*\([^()]*\))?)?$/i;
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

const UNKNOWN =
  "is no time that is understood: write it as 2026-11-20T09:15:30+05:30, or name its format in the mapping of COFI_CSV_MAPPING";

/** Reads a date, with a time of day or without. */
export function readTimeText(text: string): ReadTime {
  const iso = ISO.exec(text);
  if (iso) return { clock: isoClock(iso), isUnusual: false };
  const date = dateOf(text);
  if (date === null) return { problem: UNKNOWN };
  if ("problem" in date) return date;
  const { length, ...day } = date;
  const rest = text.slice(length);
  if (rest.trim() === "") return { clock: { ...day, time: null, offset: null }, isUnusual: true };
  const found = TIME.exec(rest);
  if (!found) return { problem: UNKNOWN };
  const [, hours = found[6], , minutes = found[7], seconds = found[8], fraction, , , , half, offset] = found;
  const hour = hourOf(Number(hours), half);
  if (hour === null) return { problem: "has an hour that no clock of twelve hours shows" };
  const time = { hour, minute: Number(minutes), second: Number(seconds ?? 0), millisecond: millisecondOf(fraction) };
  return { clock: { ...day, time, offset: offset ? offsetOf(offset) : null }, isUnusual: true };
}

function isoClock([, year, month, day, hour, minute, second, fraction, offset]: RegExpExecArray): ClockText {
  const time =
    hour === undefined
      ? null
      : {
          hour: Number(hour),
          minute: Number(minute),
          second: Number(second ?? 0),
          millisecond: millisecondOf(fraction),
        };
  return { year: Number(year), month: Number(month), day: Number(day), time, offset: offset ?? null };
}

/** Of the digits of a fraction of a second. */
export function millisecondOf(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Number(fraction.padEnd(3, "0").slice(0, 3));
}

type FoundDate = Pick<ClockText, "year" | "month" | "day"> & { length: number };

function dateOf(text: string): FoundDate | { problem: string } | null {
  const first = YEAR_FIRST.exec(text) ?? COMPACT.exec(text);
  if (first) {
    const [all, year, ...rest] = first;
    const [month, day] = rest.slice(-2);
    return { year: Number(year), month: Number(month), day: Number(day), length: all.length };
  }
  const last = YEAR_LAST.exec(text);
  if (last) return yearLast(last);
  const named = DAY_AND_NAME.exec(text);
  const month = monthOf(named?.[2] ?? "");
  if (named && month !== null) return { year: Number(named[3]), month, day: Number(named[1]), length: named[0].length };
  const name = NAME_AND_DAY.exec(text);
  const monthBefore = monthOf(name?.[1] ?? "");
  return name && monthBefore !== null
    ? { year: Number(name[3]), month: monthBefore, day: Number(name[2]), length: name[0].length }
    : null;
}

/** 20/11/2026 and 11/20/2026 have one meaning each, and so has 05/05/2026; 03/04/2026 has two. */
function yearLast([all, one, , two, year]: RegExpExecArray): FoundDate | { problem: string } {
  const [a, b] = [Number(one), Number(two)];
  if (a <= 12 && b <= 12 && a !== b)
    return {
      problem: `may have the day or the month first: write the year first, or name the format in the mapping of COFI_CSV_MAPPING`,
    };
  const [day, month] = b > 12 ? [b, a] : [a, b];
  return { year: Number(year), month, day, length: all.length };
}

/** Of a clock with 24 hours; null for an hour that a clock with 12 does not have. `half`: AM or PM, in any spelling. */
export function hourOf(hour: number, half: string | undefined): number | null {
  if (!half) return hour;
  if (hour < 1 || hour > 12) return null;
  return (hour % 12) + (half.toUpperCase().startsWith("P") ? 12 : 0);
}

/** `Z` for the names of UTC. */
export function offsetOf(text: string): string {
  return /^(?:Z|UTC|GMT)$/i.test(text) ? "Z" : text.replace(/^(?:UTC|GMT)/i, "");
}

const MONTH_AND_YEAR = /^([a-z]{3,9})[-\s/.,]*(\d{4})$/i;

/** A day without a time, `2026-11-26`, or a month, `2026-11`: when a contract expires. `problem` as in {@link ReadTime}. */
export function readDayText(text: string): { day: string; isUnusual: boolean } | { problem: string } {
  const plain = /^(\d{4})-(\d\d)$/.exec(text);
  const named = MONTH_AND_YEAR.exec(text);
  const month = plain ? Number(plain[2]) : monthOf(named?.[1] ?? "");
  if (month !== null && (plain ?? named))
    return month >= 1 && month <= 12
      ? { day: `${plain ? plain[1] : named?.[2]}-${String(month).padStart(2, "0")}`, isUnusual: !plain }
      : { problem: "is no month of the calendar" };
  const read = readTimeText(text);
  if ("problem" in read) return { problem: read.problem.replace("no time", "no day").replace("T09:15:30+05:30", "") };
  const day = dayText(read.clock);
  return day === null
    ? { problem: "is no day of the calendar" }
    : { day, isUnusual: read.isUnusual || read.clock.time !== null };
}

/** Whether the calendar has the day, and a clock the time. */
export function isPossible(clock: ClockText): boolean {
  const { time } = clock;
  return isOnCalendar(clock) && (time === null || (time.hour <= 23 && time.minute <= 59 && time.second <= 59));
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isOnCalendar({ year, month, day }: ClockText): boolean {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day >= 1 && day <= (month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0));
}

/** `2026-11-26`; null when the calendar has no such day. */
export function dayText(clock: ClockText): string | null {
  const { year, month, day } = clock;
  if (!isOnCalendar(clock)) return null;
  return `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}
