/** Times between the database (UTC text) and the API (ISO 8601 with `Z`). */

/** `YYYY-MM-DD HH:MM:SS.mmm` in UTC, as both databases store it. */
export function toDatabaseTime(time: Date): string {
  const iso = time.toISOString();
  return `${iso.slice(0, -14)} ${iso.slice(-13, -1)}`;
}

/** As both databases give what they stored themselves. */
const WHOLE_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/;
const DATABASE_TIME = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/;

/**
 * The API's form of a stored time. Other writers may have stored another form in SQLite: anything that JavaScript reads
 * as a date is taken, as UTC when it names no zone, and what is none (MySQL's zero date too) becomes the epoch, so that
 * one odd row does not hide the others.
 */
export function toApiTime(stored: string): string {
  // The common case without making dates: a replay has a million of them. No month has fewer than 28 days.
  if (WHOLE_TIME.test(stored)) {
    const text = `${stored.slice(0, 10)}T${stored.slice(11)}Z`;
    if (stored.slice(8, 10) <= "28" && !Number.isNaN(Date.parse(text))) return text;
  }
  const match = DATABASE_TIME.exec(stored);
  const text = match
    ? `${match[1]}T${match[2]}:${match[3] ?? "00"}.${(match[4] ?? "").slice(0, 3).padEnd(3, "0")}Z`
    : stored;
  const parsed = new Date(text);
  return Number.isNaN(parsed.getTime()) ? new Date(0).toISOString() : parsed.toISOString();
}
