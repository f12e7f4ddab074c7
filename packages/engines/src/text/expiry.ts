/** The expiry of a contract as it is spoken. */
import { parseNumber } from "./numbers.js";

const MONTH = /^(january|february|march|april|may|june|july|august|september|october|november|december)$/;
const OF_A_CONTRACT = /^(expiry|series|contract|futures?|calls?|puts?)$/;
const RELATIVE = /(?:^| )((?:current|next|near|this|far) month|weekly|monthly|(?:current|next|this) week)(?= |s |$)/;
const ORDINALS =
  "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(
    " ",
  );

/** `november`, `26 november`, `weekly`, `next month`; null when none is named. "may" alone is more often a verb. */
export function spokenExpiry(words: readonly string[]): string | null {
  for (const [at, word] of words.entries()) {
    if (!MONTH.test(word) || (word === "may" && !OF_A_CONTRACT.test(words[at + 1] ?? ""))) continue;
    const day = dayBefore(words, at) ?? dayAfter(words, at + 1);
    return day === null ? word : `${day} ${word}`;
  }
  return RELATIVE.exec(words.join(" "))?.[1] ?? null;
}

function dayBefore(words: readonly string[], month: number): number | null {
  const last = words[month - 1] ?? "";
  const ordinal = ORDINALS.indexOf(last.replace(/^(\d+)(st|nd|rd|th)$/, "$1")) + 1;
  if (ordinal > 0) {
    const tens = parseNumber(words.slice(0, month - 1), month - 2)?.value;
    return tens === 20 || tens === 30 ? tens + ordinal : ordinal;
  }
  if (last === "thirtieth") return 30;
  for (const from of [month - 2, month - 1]) {
    const number = from < 0 ? null : parseNumber(words.slice(0, month), from);
    if (number?.end === month && isDay(number.value)) return number.value;
  }
  return null;
}

function dayAfter(words: readonly string[], from: number): number | null {
  const number = parseNumber(words, from);
  // "november twenty two thousand call": a strike, not a day.
  return number && isDay(number.value) && /^(expiry|series)$/.test(words[number.end] ?? "") ? number.value : null;
}

function isDay(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 31;
}
