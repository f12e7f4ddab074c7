/** Formats of times that a mapping names: `DD/MM/YYYY HH:mm:ss`. */
import { hourOf, isPossible, millisecondOf, monthOf, offsetOf, type ClockText } from "./time-text.js";

/** A format that was understood. */
export interface TimeFormat {
  /** As it was written. */
  text: string;
  /** False for one of a month alone. */
  hasDay: boolean;
  /** An instant in ms since 1970, or the fields of a clock; null when the text is not in this format. */
  read(text: string): ClockText | number | null;
}

/** Each stands for a group of digits or letters; longer ones first. */
const TOKENS: Readonly<Record<string, readonly [field: string, pattern: string]>> = {
  YYYY: ["year", "\\d{4}"],
  YY: ["shortYear", "\\d\\d"],
  MMMM: ["monthName", "[A-Za-z]{3,9}"],
  MMM: ["monthName", "[A-Za-z]{3,9}"],
  MM: ["month", "\\d\\d"],
  M: ["month", "\\d{1,2}"],
  DD: ["day", "\\d\\d"],
  D: ["day", "\\d{1,2}"],
  HH: ["hour", "\\d\\d"],
  H: ["hour", "\\d{1,2}"],
  hh: ["halfHour", "\\d\\d"],
  h: ["halfHour", "\\d{1,2}"],
  mm: ["minute", "\\d\\d"],
  ss: ["second", "\\d\\d"],
  S: ["fraction", "\\d{1,9}"],
  A: ["half", "[AaPp]\\.?[Mm]?\\.?"],
  Z: ["offset", "Z|z|UTC|GMT|[+-]\\d\\d(?::?\\d\\d)?"],
};
const TOKEN = /\[([^\]]*)\]|YYYY|YY|M{1,4}|DD?|HH?|hh?|mm|ss|S+|A|Z|([A-Za-z]+)|([^A-Za-z[])/g;

/** Names of formats that are no patterns: seconds, and milliseconds, since 1970. */
const EPOCHS: Readonly<Record<string, number>> = { epoch_s: 1000, epoch_ms: 1 };

/** Words of the documentation: every token with its meaning. */
const FORMAT_HELP =
  "YYYY YY MM M MMM DD D HH H hh h mm ss S A Z with other characters between them (letters in [brackets]), epoch_s or epoch_ms";

/** Two digits of a year are of this century. */
const CENTURY = 2000;

/**
 * Reads a format. `needsTime`: the column is a time, and not a day alone.
 * @returns a problem, as the end of a sentence that starts with the format, when it is none
 */
export function timeFormat(text: string, needsTime: boolean): TimeFormat | { problem: string } {
  const unit = EPOCHS[text];
  if (unit !== undefined) return { text, hasDay: true, read: (value) => epoch(value, unit) };
  const fields: string[] = [];
  let pattern = "";
  for (const [all, bracketed, word, other] of text.matchAll(TOKEN)) {
    if (word !== undefined)
      return { problem: `has ${JSON.stringify(word)}, which is no token: it takes ${FORMAT_HELP}` };
    const [field, own] = TOKENS[all.startsWith("S") ? "S" : all] ?? [];
    if (field === undefined) {
      pattern += escaped(bracketed ?? other ?? all);
      continue;
    }
    if (fields.includes(field)) return { problem: `has the ${field} twice` };
    fields.push(field);
    pattern += `(${own})`;
  }
  const lacks = missing(fields, needsTime);
  if (lacks !== null) return { problem: `has no ${lacks}: it takes ${FORMAT_HELP}` };
  const expression = new RegExp(`^${pattern}$`);
  return {
    text,
    hasDay: fields.includes("day"),
    read(value) {
      const [, ...groups] = expression.exec(value) ?? [];
      if (groups.length === 0) return null;
      return clockOf(Object.fromEntries(fields.map((field, at) => [field, groups[at] ?? ""])));
    },
  };
}

function escaped(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
    .replaceAll(" ", "\\s+");
}

function missing(fields: readonly string[], needsTime: boolean): string | null {
  const has = (...names: string[]): boolean => names.some((name) => fields.includes(name));
  if (!has("year", "shortYear")) return "year";
  if (!has("month", "monthName")) return "month";
  if (!has("day") && needsTime) return "day";
  if (!needsTime) return null;
  if (!has("hour", "halfHour")) return "hour";
  if (has("halfHour") && !has("half")) return "A for the half of the day beside its hour of twelve";
  return has("minute") ? null : "minute";
}

function epoch(text: string, unit: number): number | null {
  return /^\d{1,13}(?:\.\d{1,9})?$/.test(text) ? Math.floor(Number(text) * unit) : null;
}

function clockOf(fields: Readonly<Record<string, string>>): ClockText | null {
  const {
    year,
    shortYear,
    month,
    monthName,
    day,
    hour,
    halfHour,
    minute,
    second = "0",
    fraction,
    half,
    offset,
  } = fields;
  const named = monthName === undefined ? Number(month) : monthOf(monthName);
  const hours = halfHour === undefined ? Number(hour ?? 0) : hourOf(Number(halfHour), half);
  if (named === null || hours === null) return null;
  const clock = {
    year: year === undefined ? CENTURY + Number(shortYear) : Number(year),
    month: named,
    // Of a month alone every day is as good.
    day: Number(day ?? 1),
    time:
      minute === undefined
        ? null
        : {
            hour: hours,
            minute: Number(minute),
            second: Number(second),
            millisecond: millisecondOf(fraction),
          },
    offset: offset === undefined ? null : offsetOf(offset),
  };
  // With day and month in the other order a text may be in another of the formats.
  return isPossible(clock) ? clock : null;
}
