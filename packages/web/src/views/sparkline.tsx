import { number } from "../text/format.js";

const SIZE = { width: 120, height: 24 };

/** Bars without axes that show the shape of a night. `values`: counts in equal intervals of the time. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const highest = Math.max(1, ...values);
  const step = SIZE.width / Math.max(1, values.length);
  const path = values
    .map((value, index) => {
      const height = (value / highest) * SIZE.height;
      return value === 0
        ? ""
        : `M${(index * step).toFixed(1)} ${SIZE.height}v${(-height).toFixed(1)}h${(step * 0.8).toFixed(1)}v${height.toFixed(1)}z`;
    })
    .join("");
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}
      role="img"
      aria-label={`${label}: at most ${number(highest)} in one of ${values.length} parts`}
    >
      <path d={path} />
    </svg>
  );
}
