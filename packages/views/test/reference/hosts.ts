/** Hosts, read plainly: see `rows.ts`. */
import type { LogEvent } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { HostNewsCounts, HostStageView, HostStateView, HostView } from "@cofi/views/detail/host-shapes";
import { cardOf } from "./cards.js";
import { hostOf, isFailure, ownState } from "./files.js";
import { endsOf, filesOf, ofStage, timeOf, total, wordsOf, type Moment, type Rows } from "./rows.js";
import { runIdOf, stageRuns, stageWork, worked } from "./work.js";

const CONDITIONS = ["gone", "ejected", "suspect", "probing", "joining", "healthy"] as const;

/** What a row may say of its host, as other writers may write it, too. */
type Said = { host?: Record<string, unknown>; hedge?: { attempt?: unknown }; outrun?: { attempt?: unknown } } | null;

/** What a row says of its host; null for one that says nothing. */
function kindOf({ eventType, gpuIp, metadata }: LogEvent): keyof HostNewsCounts | null {
  if (eventType !== "info" || gpuIp === null) return null;
  const said = metadata as Said;
  const to = CONDITIONS.find((condition) => condition === said?.host?.["to"]);
  if (to) return to;
  if (typeof said?.hedge?.attempt === "number") return "hedge";
  return typeof said?.outrun?.attempt === "number" ? "outrun" : null;
}

export function newsRows(rows: Rows): Rows {
  return rows.filter((row) => STAGES.some(({ name }) => name === row.stage) && kindOf(row) !== null);
}

export function newsCounts(news: Rows): HostNewsCounts {
  const count = (kind: string): number => news.filter((row) => kindOf(row) === kind).length;
  const counts = [...CONDITIONS, "hedge", "outrun"].map((kind) => [kind, count(kind)] as const);
  return Object.fromEntries(counts) as unknown as HostNewsCounts;
}

/** Rows of a host in the latest run of a stage. */
function inLatestRun(rows: Rows, stage: string, host: string): Rows {
  const latest = Math.max(0, ...stageRuns(rows, stage).map(({ from }) => runIdOf(rows, stage, from.id)));
  return rows.filter((row) => row.stage === stage && row.gpuIp === host && runIdOf(rows, stage, row.id) === latest);
}

function textOf(row: LogEvent, key: string): string | null {
  const text = (row.metadata as Said)?.host?.[key];
  return typeof text === "string" ? text : null;
}

/** The latest step of each engine. */
function latestSteps(inRun: Rows): LogEvent[] {
  const steps = inRun.filter((row) => CONDITIONS.some((one) => one === kindOf(row)));
  const engines = [...new Set(steps.map((row) => textOf(row, "engine") ?? ""))];
  return engines.map((engine) => steps.findLast((row) => (textOf(row, "engine") ?? "") === engine)!);
}

/** As the latest step says, and no fewer than took steps. */
function enginesOf(rows: Rows, stage: string, host: string): number | null {
  const last = latestSteps(inLatestRun(rows, stage, host));
  const said = (last.toSorted((a, b) => a.id - b.id).at(-1)?.metadata as Said)?.host?.["engines"];
  return typeof said === "number" && said > 0 ? Math.max(said, last.length) : null;
}

/** The worst first; a host that has only worked on files is in use. */
function statesOf(rows: Rows, stage: string, host: string): HostStateView[] {
  const inRun = inLatestRun(rows, stage, host);
  const last = latestSteps(inRun);
  if (last.length === 0 && inRun.some(({ fileName }) => fileName !== null)) {
    const since = new Date(Math.min(...inRun.map(timeOf))).toISOString();
    return [{ condition: "healthy", since, rule: null, url: null, eventId: null }];
  }
  return CONDITIONS.flatMap((condition) =>
    last
      .filter((row) => kindOf(row) === condition)
      .toSorted((a, b) => b.id - a.id)
      .map((row) => ({
        condition,
        since: row.timestamp,
        rule: textOf(row, "rule"),
        url: textOf(row, "url"),
        eventId: row.id,
      })),
  );
}

/** Whether a stage is worked on: by the newest run, as far as runs are numbered. */
export function isCurrent({ rows, until }: Moment, stage: string): boolean {
  const run = stageRuns(rows, stage).at(-1)?.from.run ?? null;
  const isOfNewest = run === null || run === Math.max(...rows.flatMap((row) => row.run ?? []));
  return until !== null && isOfNewest && cardOf(rows, stage).status === "processing";
}

/** The worst state of a host in the stages that are worked on. */
export function stateNow(moment: Moment, host: string): HostView["now"] {
  const states = STAGES.flatMap(({ name }) =>
    isCurrent(moment, name) ? statesOf(moment.rows, name, host).map((state) => ({ ...state, stage: name })) : [],
  );
  const worst = CONDITIONS.find((condition) => states.some((state) => state.condition === condition));
  const as = states.filter(({ condition }) => condition === worst);
  return as.find(({ eventId }) => (eventId ?? 0) === Math.max(...as.map((one) => one.eventId ?? 0))) ?? null;
}

const isDone = (row: LogEvent): boolean => row.eventType === "file_complete" && row.status !== "failed";

export function hostCell(rows: Rows, stage: string, host: string): HostStageView | null {
  const own = ofStage(rows, stage).filter(({ gpuIp }) => gpuIp === host);
  if (own.length === 0) return null;
  const done = own.filter(isDone);
  const errors = own.filter((row) => isFailure(rows, row)).length;
  const took = done.flatMap((row) => {
    const ends = row.fileName === null ? [] : endsOf(rows, stage, row.fileName);
    return ends.find((end) => end.row.id === row.id)?.tookMs ?? [];
  });
  const runs = stageRuns(rows, stage);
  const spans = (runs.length === 0 ? [{ from: { id: 0 } }] : runs).map(({ from }, index) => {
    const inRun = own.filter(
      ({ id }) => (index === 0 || id >= from.id) && !(id >= (runs[index + 1]?.from.id ?? Infinity)),
    );
    const times = inRun.map(timeOf);
    return times.length === 0 ? 0 : Math.max(...times) - Math.min(...times);
  });
  const ofStageMs = worked(stageWork(rows, stage), null);
  const minutes = Math.min(total(spans), ofStageMs > 0 ? ofStageMs : Infinity) / 60_000;
  const inFlight = filesOf(rows, stage).filter(
    (file) => ownState(rows, stage, file) === "inFlight" && hostOf(wordsOf(rows, stage, file)) === host,
  );
  return {
    done: done.length,
    errors,
    inFlight: inFlight.length,
    errorRate: done.length + errors > 0 ? errors / (done.length + errors) : null,
    perMinute: minutes > 0 && done.length > 0 ? done.length / minutes : null,
    meanMs: took.length > 0 ? total(took) / took.length : null,
    lastHeardAt: own
      .map(({ timestamp }) => timestamp)
      .toSorted()
      .at(-1)!,
    states: statesOf(rows, stage, host),
    engines: enginesOf(rows, stage, host),
    news: newsCounts(newsRows(own)),
  };
}
