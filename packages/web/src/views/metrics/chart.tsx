import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clock, dayAndTime, timeLabel } from "../../text/format.js";
import { theme, zone } from "../../choices/preferences.js";
import { TIME_STEPS_S } from "../../text/time-marks.js";
import { timeZoneOf } from "../../text/zones.js";
import { lonePoints, topOf, valueLabels, valueText } from "./axis.js";

type Tone = "busy" | "good" | "warn" | "bad";

interface Line {
  label: string;
  /** One for each place on the axis; null where unknown. */
  values: readonly (number | null)[];
  tone: Tone;
  /** Distinguishes the lines without colour. */
  isDashed?: boolean;
}

export interface Named {
  mark: string;
  name: string;
}

export interface ChartProps {
  title: string;
  unit: string;
  /** Seconds since 1970, ascending; or, with `names`, 0 to n - 1. */
  x: readonly number[];
  /** Names of the places on the axis, instead of times; `mark` is short enough for the axis. */
  names?: readonly Named[];
  /** What a place is. */
  placesAre: "From" | "Batch";
  lines: readonly Line[];
}

const HEIGHT = 190;
/** So many points are all marked. */
const FEW_POINTS = 100;
const DASH = [6, 4];
/** A line chart with axes and unit, and the same numbers as a table. Created once, then updated with new data. */
export function Chart(props: ChartProps) {
  const { title, unit, x, names, lines } = props;
  const hasValues = lines.some(({ values }) => values.some((value) => value !== null));
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const make = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsFor(element, latest.current), dataOf(latest.current), element);
    };
    // A canvas cannot use custom properties, so a change of theme or zone needs a new drawing.
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", make);
    const stopWatching = effect(() => {
      void theme.value;
      void zone.value;
      make();
    });
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT }),
    );
    resized.observe(element);
    return () => {
      dark.removeEventListener("change", make);
      stopWatching();
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [lines.map(({ label }) => label).join(), names?.map(({ name }) => name).join(), hasValues]);
  useEffect(() => plot.current?.setData(dataOf(props)), [x, lines]);
  return (
    <figure class="chart">
      <figcaption>
        {title} <span class="soft">in {unit}</span>
      </figcaption>
      {hasValues ? <div ref={frame} aria-hidden="true" /> : <p class="soft chart-empty">No figures yet</p>}
      <Numbers {...props} />
    </figure>
  );
}

/** For readers that cannot see the drawing or want the figures. */
function Numbers({ title, unit, x, names, placesAre, lines }: ChartProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        As a table<span class="unseen">: {title}</span>
      </summary>
      {isOpen && (
        <div class="table-scroll" tabindex={0} role="group" aria-label={`${title}, in ${unit}`}>
          <table class="figures-table">
            <thead>
              <tr>
                <th scope="col">{placesAre}</th>
                {lines.map(({ label }) => (
                  <th scope="col" key={label}>
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {x.map((at, index) => (
                <tr key={at}>
                  <th scope="row">{names?.[index]?.name ?? dayAndTime(at * 1_000, zone.value)}</th>
                  {lines.map(({ label, values }) => (
                    <td key={label}>{valueText(values[index] ?? null)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

/** Space beside the first and last point, in the unit of the axis. */
function roomBeside(first: number, last: number): number {
  return Math.max((last - first) / 40, 0.5);
}

/** Width of an axis with these labels in px: a digit is 7 px wide; ticks and gaps are added. */
function widthOf(labels: readonly string[]): number {
  return 20 + 7 * Math.max(4, ...labels.map((label) => label.length));
}

function dataOf({ x, lines }: ChartProps): uPlot.AlignedData {
  return [[...x], ...lines.map(({ values }) => [...values])];
}

function optionsFor(element: HTMLElement, { x, names, placesAre, lines }: ChartProps): uPlot.Options {
  const ink = colour(element, "--ink-soft");
  const axis = {
    stroke: ink,
    grid: { stroke: colour(element, "--line"), width: 1 },
    ticks: { stroke: colour(element, "--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    // Half of the last label is beyond the axis.
    padding: [8, 28, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), timeZoneOf(zone.peek())),
    scales: {
      // Space beside the first and last point, which the edge would cut off.
      x: {
        time: !names,
        range: (_plot, first, last) => [first - roomBeside(first, last), last + roomBeside(first, last)],
      },
      y: { range: (_plot, _low, high) => [0, topOf(high)] },
    },
    axes: [
      names
        ? {
            ...axis,
            values: (_plot, places) => places.map((at) => names[at]?.mark ?? ""),
            incrs: [1, 2, 5, 10, 20, 50],
          }
        : {
            ...axis,
            space: 72,
            incrs: TIME_STEPS_S,
            values: (_plot, places, _axis, _space, stepS) =>
              places.map((at) => timeLabel(at * 1_000, stepS, zone.peek())),
          },
      {
        ...axis,
        size: (_plot, values) => widthOf(values ?? []),
        values: (_plot, values, _axis, _space, step) => valueLabels(values, step),
      },
    ],
    series: [
      names
        ? { label: placesAre, value: (plot, at) => names[at ?? atEnd(plot, 0) ?? -1]?.name ?? "" }
        : { label: placesAre, value: (plot, at) => clock((at ?? atEnd(plot, 0) ?? 0) * 1_000, zone.peek()) },
      ...lines.map(({ label, tone, isDashed }): uPlot.Series => {
        const stroke = colour(element, `--${tone}`);
        return {
          label,
          stroke,
          width: 1.5,
          ...(isDashed ? { dash: DASH } : {}),
          points: {
            show: x.length <= FEW_POINTS,
            size: 5,
            stroke,
            fill: stroke,
            // Of many points those that no line shows are marked.
            filter: (plot, line, isShown) => (isShown ? null : lonePoints([...(plot.data[line] ?? [])])),
          },
          value: (plot, value, line, index) => valueText(index === null ? atEnd(plot, line) : value) || "–",
          spanGaps: false,
        };
      }),
    ],
  };
}

/** What the legend says while the pointer is elsewhere: the values at the end. */
function atEnd({ data }: uPlot, line: number): number | null {
  return data[line]?.at(-1) ?? null;
}

/** Resolves a colour for the page's colour scheme; the property itself names both colours. */
function colour(element: HTMLElement, property: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  element.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
