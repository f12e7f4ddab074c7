/** The expiries of contracts: as trades.csv and speech write them, and which is the nearest. Days are `YYYY-MM-DD`, months `YYYY-MM`. */
const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const DAY_MS = 86_400_000;

/** `2026-11-26`, or `2026-11` where only the month is given; null for a text that is none. */
export function expiryIn(text: string): string | null {
  const found = dateIn(text);
  return found !== null && Number.isNaN(Date.parse(found)) ? null : found;
}

function dateIn(text: string): string | null {
  const plain = text.trim().toLowerCase();
  const iso = /^(\d{4})-(\d\d)(?:-(\d\d))?/.exec(plain);
  if (iso) return iso[3] === undefined ? `${iso[1]}-${iso[2]}` : `${iso[1]}-${iso[2]}-${iso[3]}`;
  const named = /^(?:(\d{1,2})(?:st|nd|rd|th)?[- /]?)?([a-z]{3,9})[- /,]*(\d{4}|\d\d)$/.exec(plain);
  const month = named ? MONTHS.indexOf((named[2] ?? "").slice(0, 3)) + 1 : 0;
  if (named && month > 0) return dated(named[3] ?? "", month, named[1]);
  const numeric = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d\d)$/.exec(plain);
  return numeric && Number(numeric[2]) <= 12 ? dated(numeric[3] ?? "", Number(numeric[2]), numeric[1]) : null;
}

function dated(year: string, month: number, day: string | undefined): string {
  const head = `${year.length === 2 ? `20${year}` : year}-${String(month).padStart(2, "0")}`;
  return day === undefined ? head : `${head}-${day.padStart(2, "0")}`;
}

/**
 * Whether the expiry that was spoken is the contract's, on the day `day`; null when it cannot be told. An expiry of which only the
 * month is known fits every day of it.
 */
export function isSpokenExpiry(spoken: string, expiry: string, day: string): boolean | null {
  const plain = spoken.trim().toLowerCase();
  const whole = expiryIn(plain);
  if (whole !== null) return whole.startsWith(expiry) || expiry.startsWith(whole);
  const month = MONTHS.findIndex((name) => new RegExp(`(?:^|[^a-z])${name}[a-z]*`).test(plain)) + 1;
  if (month > 0) {
    const dayOfMonth = /\d{1,2}/.exec(plain)?.[0];
    const isMonth = Number(expiry.slice(5, 7)) === month;
    if (!isMonth || dayOfMonth === undefined || expiry.length < 10) return isMonth;
    return Number(expiry.slice(8, 10)) === Number(dayOfMonth);
  }
  if (expiry.length < 10) return null;
  const days = daysBetween(day, expiry);
  const isMonthly = lastWeekday(expiry.slice(0, 7), expiry) === expiry;
  if (/weekly|(?:this|current) week/.test(plain)) return days <= 7;
  if (/next week/.test(plain)) return days > 2 && days <= 14;
  const ahead = MONTHS_AHEAD.findIndex((pattern) => pattern.test(plain));
  if (ahead >= 0) {
    const front = frontMonth(expiry, day);
    return front === null ? null : monthsBetween(day, expiry) === front + ahead;
  }
  if (/monthly/.test(plain)) return isMonthly;
  return null;
}

/** The contract of the front month, the one after it, and so on. */
const MONTHS_AHEAD = [/(?:current|near|this) month/, /next month/, /far month/];

/** Whether the front month is the one of `day` (0) or the next (1); null on the days on which it may be either. */
function frontMonth(expiry: string, day: string): 0 | 1 | null {
  const gap = daysBetween(lastWeekday(day.slice(0, 7), expiry), day);
  return Math.abs(gap) <= 1 ? null : gap > 0 ? 1 : 0;
}

/** Index options that have, or had, contracts that expire each week. */
const WEEKLY = new Set(["NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "SENSEX", "BANKEX"]);

/**
 * Whether no contract of its kind expires before it, so that it is meant where no expiry is spoken; null when it cannot be told.
 * `known` are other expiries of the underlying that the batch holds.
 */
export function isNearest(
  { symbol, instrument, expiry, day }: { symbol: string; instrument: string | null; expiry: string; day: string },
  known: readonly string[],
): boolean | null {
  if (known.some((other) => other.length >= 10 && other >= day && other < expiry)) return false;
  if (expiry.length < 10) return monthsBetween(day, expiry) === 0 ? true : null;
  if (daysBetween(day, expiry) <= 7) return true;
  const isMonthly = isNearestMonthly(expiry, day);
  if (isMonthly !== true || instrument === "FUT" || !WEEKLY.has(symbol)) return isMonthly;
  // A month's contract of an index that has weekly ones, too: nobody knows which of them is meant.
  return null;
}

/** Contracts of a month expire on the last such weekday, or a day before where that is a holiday. */
function isNearestMonthly(expiry: string, day: string): boolean | null {
  if (monthsBetween(day, expiry) <= 0) return true;
  const front = frontMonth(expiry, day);
  return front === null && monthsBetween(day, expiry) === 1 ? null : monthsBetween(day, expiry) === front;
}

/** The last day in `month` that is the weekday of `of`. */
function lastWeekday(month: string, of: string): string {
  const weekday = new Date(`${of}T00:00:00Z`).getUTCDay();
  const day = new Date(`${month}-01T00:00:00Z`);
  day.setUTCMonth(day.getUTCMonth() + 1);
  do day.setTime(day.getTime() - DAY_MS);
  while (day.getUTCDay() !== weekday);
  return day.toISOString().slice(0, 10);
}

function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS);
}

function monthsBetween(from: string, to: string): number {
  const months = (day: string): number => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7));
  return months(to) - months(from);
}
