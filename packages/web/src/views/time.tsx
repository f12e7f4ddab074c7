import type { Range, Stall, StageTime, TimelineView } from "@cofi/views/detail/shapes";
import { RouteLink } from "../shared/route-link.js";
import { StageGlyph, statusWord } from "../shared/status.js";
import { DataView, ViewState, type ViewProps } from "../shared/view-state.js";
import { ticks } from "../feed/ticking.js";
import { clock, clockSince, duration, timeLabel } from "../text/format.js";
import { timeMarks } from "../text/time-marks.js";
import type { LiveState } from "../feed/live-state.js";
import { zone } from "../choices/preferences.js";
import { Name } from "../shared/name.js";

const BASIS: Readonly<Record<StageTime["basis"], string>> = {
  done: "",
  audio: "by the length of the audio left",
  files: "by the number of files left",
  history: "as in earlier batches",
  unknown: "its speed is not known yet",
};

/** Times of the stages: a bar for the time so far, and a hatched bar for the highest estimate of the time left. */
export function TimeView(props: ViewProps) {
  return (
    <DataView<Times> {...props} path="timeline">
      {(view) => <Timeline view={view} state={props.state} />}
    </DataView>
  );
}

type Times = TimelineView & { stalls: Stall[] };

function Timeline({ view: answered, state }: { view: Times; state: LiveState }) {
  const now = timeNow(answered, state);
  const view = aged(answered, now - Date.parse(answered.asOf));
  if (view.stages.every(({ startedAt }) => startedAt === null))
    return (
      <ViewState glyph="○" tone="idle" title="No stage has begun">
        Stage times, time left and stalls appear here.
      </ViewState>
    );
  const labels = new Map(view.stages.map(({ stage, label }) => [stage, label]));
  const silence = state.batch.value?.silence;
  const stuck = view.stalls.find(({ kind }) => kind === "stuck-stage");
  return (
    <>
      <p class="panel eta" data-testid="eta">
        {silence ? (
          <strong>
            No estimate: no sign of life since {clockSince(silence.since, state.serverNow(), zone.value)}.
          </strong>
        ) : stuck ? (
          <strong>No estimate: {labels.get(stuck.stage)} is stalled.</strong>
        ) : view.remainingMs === null ? (
          <strong>No estimate yet: {unknownOf(view.stages)}</strong>
        ) : view.remainingMs[1] === 0 ? (
          <strong>Nothing is left to do.</strong>
        ) : (
          <strong>
            Ends between {clock(now + view.remainingMs[0], zone.value)} and{" "}
            {clock(now + view.remainingMs[1], zone.value)}, in {rangeText(view.remainingMs)}
          </strong>
        )}
        {!silence && !stuck && view.bottleneck !== null && <span> · bottleneck: {labels.get(view.bottleneck)}</span>}
      </p>
      <Stalls stalls={view.stalls} labels={labels} />
      <Gantt stages={view.stages} now={now} stuck={stuck?.stage ?? null} />
    </>
  );
}

/** Ticks while the batch runs. */
function timeNow({ asOf }: Times, state: LiveState): number {
  const batch = state.batch.value;
  if (batch?.silence) return Date.parse(batch.silence.since);
  if (batch?.status !== "running") return Date.parse(asOf);
  void ticks.slow.value;
  return Math.max(Date.parse(asOf), state.serverNow());
}

/** Ages an answer by `ms`: the time left of running stages shrinks, and stalls have lasted longer. */
function aged(view: Times, ms: number): Times {
  const less = (range: Range | null): Range | null => range && [Math.max(0, range[0] - ms), Math.max(0, range[1] - ms)];
  return {
    ...view,
    stages: view.stages.map((stage) =>
      stage.status === "processing" ? { ...stage, remainingMs: less(stage.remainingMs) } : stage,
    ),
    remainingMs: less(view.remainingMs),
    stalls: view.stalls.map((stall) => ({ ...stall, forMs: stall.forMs + ms })),
  };
}

function unknownOf(stages: readonly StageTime[]): string {
  const names = stages.filter(({ basis }) => basis === "unknown").map(({ label }) => label);
  return `no earlier batch shows how long ${new Intl.ListFormat("en").format(names)} ${names.length === 1 ? "takes" : "take"}.`;
}

function rangeText([low, high]: Range): string {
  return duration(low) === duration(high) ? `about ${duration(low)}` : `${duration(low)} to ${duration(high)}`;
}

function Stalls({ stalls, labels }: { stalls: readonly Stall[]; labels: ReadonlyMap<string, string> }) {
  if (stalls.length === 0) return null;
  return (
    <ul class="panel stalls" aria-label="Stalled">
      {stalls.map(({ kind, stage, what, forMs, rule }) => {
        const to = {
          view: "files",
          filters: { stage, state: "inFlight", ...(kind === "slow-file" && { text: what ?? "" }) },
        } as const;
        return (
          <li key={`${kind} ${stage} ${what}`} data-tone={kind === "stuck-stage" ? "bad" : "warn"}>
            <RouteLink to={to}>{what === null ? labels.get(stage) : <Name text={what} />}</RouteLink>{" "}
            {what !== null && `in ${labels.get(stage)} `}for {duration(forMs)}. <span class="soft">{rule}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** As many labels as fit beside each other. */
const MOST_MARKS = 8;

interface GanttProps {
  stages: readonly StageTime[];
  now: number;
  /** The stalled stage, whose end cannot be estimated. */
  stuck: string | null;
}

function Gantt({ stages, now, stuck }: GanttProps) {
  const starts = stages.flatMap(({ startedAt }) => (startedAt === null ? [] : [Date.parse(startedAt)]));
  const first = Math.min(...starts);
  const bars = barsOf(stages, now, stuck);
  const last = Math.max(first + 1_000, ...bars.map(({ expected, end }) => Math.max(expected, end)));
  const at = (time: number): string => `${(((time - first) / (last - first)) * 100).toFixed(3)}%`;
  const marks = timeMarks(first, last, MOST_MARKS, zone.value);
  return (
    <section class="panel gantt" aria-label="Stages over time">
      <div class="gantt-axis" aria-hidden="true">
        {marks.at.map((mark) => (
          <span key={mark} style={{ insetInlineStart: at(mark) }}>
            {timeLabel(mark, marks.stepS, zone.value)}
          </span>
        ))}
      </div>
      <ol>
        {bars.map(({ stage, start, end, expected }) => (
          <li key={stage.stage} data-stage={stage.stage}>
            <span>
              <StageGlyph summary={stage} /> {stage.label}
            </span>
            <span class="track">
              {start !== null && (
                <span
                  class="track-bar gantt-bar"
                  data-status={stage.status}
                  style={{ insetInlineStart: at(start), inlineSize: width(start, end, first, last) }}
                />
              )}
              {expected > end && (
                <span
                  class="track-bar gantt-rest"
                  style={{ insetInlineStart: at(end), inlineSize: width(end, expected, first, last) }}
                />
              )}
            </span>
            <span class="gantt-text">
              {start === null ? statusWord(stage.status) : duration(end - start)}
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

function width(from: number, to: number, first: number, last: number): string {
  return `${(((to - from) / (last - first)) * 100).toFixed(3)}%`;
}

interface Bar {
  stage: StageTime;
  start: number | null;
  end: number;
  expected: number;
}

/** Stages that have not begun follow the running ones, one after the other. */
function barsOf(stages: readonly StageTime[], now: number, stuck: string | null): Bar[] {
  let after = now;
  return stages.map((stage) => {
    const start = stage.startedAt === null ? null : Date.parse(stage.startedAt);
    const longest = stage.stage === stuck ? 0 : (stage.remainingMs?.[1] ?? 0);
    if (start !== null) {
      const end = stage.finishedAt === null ? now : Date.parse(stage.finishedAt);
      const expected = stage.status === "processing" ? end + longest : end;
      after = Math.max(after, expected);
      return { stage, start, end, expected };
    }
    const end = after;
    after += longest;
    return { stage, start, end, expected: after };
  });
}
