/** Labels of axes, and which points of a line need a mark. Pure. */

/** Labels of a value axis: as many decimals as its steps need, so that no two are the same. */
export function valueLabels(values: readonly number[], step: number): string[] {
  let digits = 0;
  while (digits < MOST_DIGITS && !isWhole(step * 10 ** digits)) digits++;
  return values.map((value) =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  );
}

const MOST_DIGITS = 20;

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-9 * Math.max(1, value) && Math.round(value) > 0;
}

/** A value for people: three digits that count, or all digits before the point. Never 0 for what is not. */
export function valueText(value: number | null): string {
  if (value === null) return "";
  return value.toLocaleString("en", value < 1_000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 });
}

/** The top of a value axis that begins at 0. `highest`: of the values; null when there is none. */
export function topOf(highest: number | null): number {
  return highest !== null && highest > 0 ? highest * 1.1 : 1;
}

/** Indexes of the values without a neighbour, which no line shows. */
export function lonePoints(values: readonly (number | null | undefined)[]): number[] {
  const has = (index: number): boolean => values[index] !== null && values[index] !== undefined;
  return values.flatMap((_, index) => (has(index) && !has(index - 1) && !has(index + 1) ? [index] : []));
}
