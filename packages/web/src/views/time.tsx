import type { Range, Stall, StageTime, TimelineView, WorkRun } from "@cofi/views/detail/shapes";
import { RouteLink } from "../shared/route-link.js";
import { DataView, ViewState, type ViewProps } from "../shared/view-state.js";
import { ticks } from "../feed/ticking.js";
import { clock, clockSince, dayAndTime, duration, fullTime } from "../text/format.js";
import type { LiveState } from "../feed/live-state.js";
import { zone } from "../choices/preferences.js";
import { Name } from "../shared/name.js";
import { Gantt } from "./gantt.js";
import { rangeText } from "./range-text.js";

/** Times of the stages, how long what is left will take, and what does not go on. */
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
      <Runs runs={view.runs} />
      <Gantt stages={view.stages} runs={view.runs} now={now} stuck={stuck?.stage ?? null} />
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

/** The runs of a batch that was run more than once, and the pauses between them. */
function Runs({ runs }: { runs: readonly WorkRun[] }) {
  if (runs.length < 2) return null;
  return (
    <ol class="panel runs" aria-label="Runs of the batch" data-testid="runs">
      {runs.map(({ run, firstId, startedAt, endedAt, durationMs }, index) => {
        const before = runs[index - 1]?.endedAt ?? null;
        const pause = before === null ? 0 : Date.parse(startedAt) - Date.parse(before);
        return (
          <li key={firstId}>
            {pause > 0 && <span class="soft">after a pause of {duration(pause)}: </span>}
            Run {run ?? index + 1},{" "}
            <time title={fullTime(startedAt, zone.value)}>{dayAndTime(startedAt, zone.value)}</time>
            {endedAt === null ? ", goes on" : ""}, {duration(durationMs)}
          </li>
        );
      })}
    </ol>
  );
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
