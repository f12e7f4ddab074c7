/** What clocks show in an IANA time zone, by Intl alone. Nothing here depends on Node, so the page imports it too. */

const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;
/** Quarters of an hour that are kept: those of ten years. */
const MOST_QUARTERS = 350_000;
const formats = new Map<string, Intl.DateTimeFormat>();
/** By zone and quarter of an hour, counted from 1970: the offset, ms; null for a quarter in which it changes. */
const offsetsByZone = new Map<string, Map<number, number | null>>();

/**
 * What the clocks of `zone` show at `utc`, as the same fields in UTC; minus `utc` it is the zone's offset.
 * @param utc ms since 1970
 * @throws RangeError when there is no such zone
 */
export function clockIn(utc: number, zone: string): number {
  const offset = offsetOf(Math.floor(utc / QUARTER_MS), zone);
  return offset === null ? formatted(utc, zone) : utc + offset;
}

/** Formatting takes a hundred times as long as adding, and a batch asks about as many times as it has calls. */
function offsetOf(quarter: number, zone: string): number | null {
  let known = offsetsByZone.get(zone);
  if (!known || known.size > MOST_QUARTERS) offsetsByZone.set(zone, (known = new Map()));
  let offset = known.get(quarter);
  if (offset === undefined) {
    const [start, end] = [quarter * QUARTER_MS, (quarter + 1) * QUARTER_MS];
    const before = formatted(start, zone) - start;
    offset = formatted(end, zone) - end === before ? before : null;
    known.set(quarter, offset);
  }
  return offset;
}

function formatted(utc: number, zone: string): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  const fields = Object.fromEntries(format.formatToParts(utc).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second) + utc - Math.floor(utc / 1_000) * 1_000;
}

/** The instants at which the clocks of `zone` show `local`, in order: two in an hour that comes twice, none in one that is left out. */
export function instantsAt(local: number, zone: string): number[] {
  const offsets = [local - DAY_MS, local + DAY_MS].map((near) => clockIn(near, zone) - near);
  const candidates = [...new Set(offsets)].map((offset) => local - offset);
  return candidates.filter((instant) => clockIn(instant, zone) === local).toSorted((a, b) => a - b);
}

/**
 * As {@link instantsAt}; but of an hour that is left out the one instant that has the offset from before it: what RFC 5545
 * (3.3.5) makes of such a time.
 */
export function instantsNear(local: number, zone: string): number[] {
  const instants = instantsAt(local, zone);
  const before = local - DAY_MS;
  return instants.length > 0 ? instants : [local - (clockIn(before, zone) - before)];
}
