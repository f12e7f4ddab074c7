/** What clocks show in an IANA time zone, by Intl alone. Nothing here depends on Node, so the page imports it too. */

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * What the clocks of `zone` show at `utc`, as the same fields in UTC; minus `utc` it is the zone's offset.
 * @param utc ms since 1970
 * @throws RangeError when there is no such zone
 */
export function clockIn(utc: number, zone: string): number {
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
