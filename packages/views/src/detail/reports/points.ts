/** The points of charts over the time of a batch: its buckets, some of them put together, without the pauses between its runs. */
import type { Detail } from "../fold/detail.js";

/** Not more points than a chart has pixels for. */
const MOST_POINTS = 240;
/** The longest so many pauses are left out. */
const MOST_PAUSES = 20;

export interface Points {
  count: number;
  /** Epoch ms, ascending; each spans `widthMs`, or up to a pause. */
  starts: number[];
  widthMs: number;
  /** The point that a bucket of the series belongs to. */
  at(number: number): number;
}

/** From and to, both included, of bucket numbers. */
type Range = readonly [number, number];

export function pointsOf(detail: Detail): Points {
  const { series } = detail;
  const numbers = series.numbers;
  const [first, last] = [numbers[0], numbers.at(-1)];
  const pieces = first === undefined || last === undefined ? [] : without(pausesOf(detail, numbers), [first, last]);
  const total = pieces.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  const merged = Math.max(1, Math.ceil(total / MOST_POINTS));
  const begins: number[] = [];
  for (const [from, to] of pieces) for (let number = from; number <= to; number += merged) begins.push(number);
  return {
    count: begins.length,
    starts: begins.map((number) => number * series.widthMs),
    widthMs: series.widthMs * merged,
    at: (number) => lastAtOrBefore(begins, number),
  };
}

/** Buckets that lie within a pause between two runs of the batch, ascending. One in which files ended is no pause. */
function pausesOf({ work, series: { widthMs } }: Detail, numbers: readonly number[]): Range[] {
  const { runs } = work;
  const pauses = runs.slice(1).flatMap(({ at }, index): Range[] => {
    const [from, to] = [Math.ceil((runs[index]!.endedAt ?? at) / widthMs), Math.floor(at / widthMs) - 1];
    const next = numbers[lastAtOrBefore(numbers, from - 1) + 1];
    return to >= from && (next === undefined || next > to) ? [[from, to]] : [];
  });
  const longest = pauses.toSorted((a, b) => b[1] - b[0] - (a[1] - a[0])).slice(0, MOST_PAUSES);
  return longest.toSorted((a, b) => a[0] - b[0]);
}

function without(pauses: readonly Range[], [first, last]: Range): Range[] {
  const pieces: Range[] = [];
  let from = first;
  for (const [begin, end] of pauses) {
    // Where clocks were set, pauses may overlap, or lie beyond.
    if (begin <= from || end >= last) continue;
    pieces.push([from, begin - 1]);
    from = end + 1;
  }
  return [...pieces, [from, last]];
}

/** Index of the last of ascending values that is not above this one; -1 when there is none. */
export function lastAtOrBefore(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
