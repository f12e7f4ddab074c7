/** The stages over time: a bar for each run so far, and a hatched one for the highest estimate of the time left. */
import type { StageTime, WorkRun } from "@cofi/views/detail/shapes";
import { zone } from "../choices/preferences.js";
import { StageGlyph, statusWord } from "../shared/status.js";
import { clock, duration, number, timeLabel } from "../text/format.js";
import { timeMarks } from "../text/time-marks.js";
import { rangeText } from "./range-text.js";
import { timeScale, type Span, type TimeScale } from "./time-scale.js";

const BASIS: Readonly<Record<StageTime["basis"], string>> = {
  done: "",
  audio: "by the length of the audio left",
  files: "by the number of files left",
  history: "as in earlier batches",
  unknown: "its speed is not known yet",
};

interface GanttProps {
  stages: readonly StageTime[];
  /** Of the batch. */
  runs: readonly WorkRun[];
  now: number;
  /** The stalled stage, whose end cannot be estimated. */
  stuck: string | null;
}

export function Gantt({ stages, runs, now, stuck }: GanttProps) {
  const bars = barsOf(stages, now, stuck);
  const spans = bars.flatMap((bar) => bar.spans);
  const first = Math.min(...spans.map(({ from }) => from));
  const last = Math.max(first + 1_000, ...spans.map(({ to }) => to), ...bars.map(({ rest }) => rest?.to ?? first));
  const scale = timeScale(
    runs.map((run) => spanOf(run, now)),
    first,
    last,
  );
  return (
    <section class="panel gantt" aria-label="Stages over time">
      <Axis scale={scale} first={first} last={last} />
      <ol>
        {bars.map(({ stage, spans: ofStage, rest }) => (
          <li key={stage.stage} data-stage={stage.stage}>
            <span>
              <StageGlyph summary={stage} /> {stage.label}
            </span>
            <span class="track">
              {scale.pauses.map((pause) => (
                <span
                  key={pause.from}
                  class="gantt-pause"
                  style={placeOf(scale, pause)}
                  title={`Pause of ${duration(pause.to - pause.from)}`}
                />
              ))}
              {ofStage.map((span) => (
                <span
                  key={span.from}
                  class="track-bar gantt-bar"
                  data-status={stage.status}
                  style={placeOf(scale, span)}
                  title={`${clock(span.from, zone.value)} to ${clock(span.to, zone.value)}, ${duration(span.ms)}`}
                />
              ))}
              {rest && <span class="track-bar gantt-rest" style={placeOf(scale, rest)} />}
            </span>
            <span class="gantt-text">
              {stage.durationMs === null ? statusWord(stage.status) : duration(durationOf(stage, now))}
              {stage.runs.length > 1 && ` in ${number(stage.runs.length)} runs`}
              {stage.stage === stuck && <span class="soft"> stalled</span>}
              {stage.basis !== "done" && stage.stage !== stuck && (
                <span class="soft">
                  {" "}
                  {stage.remainingMs === null ? "left: unknown" : `left: ${rangeText(stage.remainingMs)}`},{" "}
                  {BASIS[stage.basis]}
                </span>
              )}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Round times; where there are pauses, those at which work began again, which say more. */
function Axis({ scale, first, last }: { scale: TimeScale; first: number; last: number }) {
  const { at: round, stepS } = timeMarks(first, last, MOST_MARKS, zone.value);
  const hasPauses = scale.pauses.length > 0;
  const marks = hasPauses ? [first, ...scale.pauses.map(({ to }) => to), last] : round;
  const places = marks.map((mark) => scale.at(mark));
  return (
    <div class="gantt-axis" aria-hidden="true">
      {marks.map(
        (mark, index) =>
          (!hasPauses || isFree(places, index)) && (
            <span key={mark} style={{ insetInlineStart: percentOf(places[index]!) }}>
              {hasPauses ? clock(mark, zone.value) : timeLabel(mark, stepS, zone.value)}
            </span>
          ),
      )}
    </div>
  );
}

/** As many labels as fit beside each other. */
const MOST_MARKS = 8;
/** A label takes about this share of the line. */
const LABEL_SHARE = 0.09;

/** Whether there is room for a label between the one before and the last one. */
function isFree(places: readonly number[], index: number): boolean {
  const [place, before, end] = [places[index]!, places[index - 1] ?? -1, places.at(-1)!];
  return index === places.length - 1 || (place - before >= LABEL_SHARE && end - place >= LABEL_SHARE);
}

function percentOf(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}

function placeOf(scale: TimeScale, { from, to }: Span): { insetInlineStart: string; inlineSize: string } {
  return { insetInlineStart: percentOf(scale.at(from)), inlineSize: percentOf(scale.at(to) - scale.at(from)) };
}

function spanOf({ startedAt, endedAt }: WorkRun, now: number): Span {
  const from = Date.parse(startedAt);
  return { from, to: endedAt === null ? Math.max(from, now) : Date.parse(endedAt) };
}

/** The run that goes on grows with the clock. */
function durationOf({ runs }: StageTime, now: number): number {
  return runs.reduce((sum, run) => sum + msOf(run, now), 0);
}

function msOf({ startedAt, endedAt, durationMs }: WorkRun, now: number): number {
  return endedAt === null ? Math.max(durationMs, now - Date.parse(startedAt)) : durationMs;
}

interface Bar {
  stage: StageTime;
  spans: (Span & { ms: number })[];
  /** When what is left will be done. */
  rest: Span | null;
}

/** Stages that have not begun follow the running ones, one after the other. */
function barsOf(stages: readonly StageTime[], now: number, stuck: string | null): Bar[] {
  let after = now;
  return stages.map((stage) => {
    const spans = stage.runs.map((run) => ({ ...spanOf(run, now), ms: msOf(run, now) }));
    const longest = stage.stage === stuck ? 0 : (stage.remainingMs?.[1] ?? 0);
    const begins = stage.startedAt === null ? after : now;
    const isLeft = longest > 0 && (stage.startedAt === null || stage.status === "processing");
    if (isLeft) after = Math.max(after, begins + longest);
    return { stage, spans, rest: isLeft ? { from: begins, to: begins + longest } : null };
  });
}
