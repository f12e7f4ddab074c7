/** Round times on an axis. Pure. */
import { clockIn } from "@cofi/event-log/zone-clock";
import { timeZoneOf, type Zone } from "./zones.js";

/** Distances between two marks, in seconds. */
export const TIME_STEPS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];

export interface TimeMarks {
  /** ms since 1970, ascending; round by the clocks of the zone. */
  at: number[];
  /** Distance between two of them, in seconds. */
  stepS: number;
}

/** Returns the round times from `first` to `last`, in ms since 1970, at most `most` of them. */
export function timeMarks(first: number, last: number, most: number, zone: Zone): TimeMarks {
  const stepS = TIME_STEPS_S.find((step) => (last - first) / (step * 1_000) < most) ?? TIME_STEPS_S.at(-1)!;
  const step = stepS * 1_000;
  // How far the clocks of the zone are ahead of UTC.
  const ahead = clockIn(first, timeZoneOf(zone)) - first;
  const at: number[] = [];
  for (let mark = Math.ceil((first + ahead) / step) * step - ahead; mark <= last; mark += step) at.push(mark);
  return { at, stepS };
}
