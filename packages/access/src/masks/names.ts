/** Names of recordings: recorders put the telephone number of the client into them, and a number is content. */
import type { Pseudonyms } from "./pseudonyms.js";

/** Digits with the signs that people put between them. */
const GROUPS = /\+?\(?\d[\d\-(). ]{6,}\d/g;
const QUICK = /\d[\d\-(). ]{6,}\d/;
/** A day, with or without a time: `20260105`, `2026-01-05 10.15.00`, `20260105-101500.250`. */
const DATE_TIME =
  /^(?:19|20)\d\d([-. ]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?:[-. ]?(?:[01]\d|2[0-3])[-.]?[0-5]\d(?:[-.]?[0-5]\d(?:[-.]?\d{3})?)?)?(?!\d)[-. ]*/;
const DATE_GLUED = /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])/;
/** The shortest national numbers with their area; shorter ones are extensions and counters. */
const LEAST_DIGITS = 8;

/** The name with a token in the place of each number that may be one of a telephone. */
export function shownName(name: string, pseudonyms: Pseudonyms): string {
  if (!QUICK.test(name)) return name;
  return name.replaceAll(GROUPS, (group) => {
    const date = DATE_TIME.exec(group)?.[0] ?? (digitsOf(group) <= 16 ? (DATE_GLUED.exec(group)?.[0] ?? "") : "");
    const rest = group.slice(date.length);
    // A counter with zeros in front: no number begins with three of them.
    if (digitsOf(rest) < LEAST_DIGITS || rest.startsWith("000")) return group;
    return date + pseudonyms.ofNumber(rest);
  });
}

/** The text with `…210` in the place of each number that may be one of a telephone: enough to see whether two entries may be about the same. */
export function shortenedNumbers(text: string): string {
  return text.replaceAll(/\+?\(?\p{Nd}[\p{Nd}\-(). ]{5,}\p{Nd}/gu, (group) => {
    const digits = group.replaceAll(/\P{Nd}/gu, "");
    return digits.length < LEAST_DIGITS - 1 ? group : `…${[...digits].slice(-3).join("")}`;
  });
}

function digitsOf(text: string): number {
  return text.replaceAll(/\D/g, "").length;
}
