/**
 * The projection: it folds the events of one batch into its ten cards. The dashboard uses it for its views, and the tests
 * compare SQL with it. Pure: no clock, no I/O; the result depends on the batch row
 * and the events only.
 *
 * A file counts once per stage, by its latest event, however often it was retried:
 *
 *     file_start                               -> in flight
 *     file_complete (success or no status)     -> done
 *     file_complete (failed)                   -> failed
 *     error with a file (processing, pending)  -> in flight: another attempt follows
 *     error with a file (failed or no status)  -> failed
 *
 * An event that arrived after a newer run of the batch had begun is history and changes nothing (`run-order.ts` of event-log).
 *
 * For a writer that logs no files, only stage_progress and stage_complete, `processedFiles` counts as done.
 */
import { RunOrder } from "@cofi/event-log/run-order";
import { outcomeOf } from "@cofi/event-log/file-outcome";
import type { Batch, LogEvent, Snapshot, StageStatus, StageSummary, Work } from "@cofi/event-log/events";
import { STAGES, STEPS, WORK } from "@cofi/event-log/stages";
import { effectiveBatch } from "../batch-state.js";
import { BatchWork } from "../work/work-fold.js";
import { RecentFinishes } from "./recent-finishes.js";

type FileState = "inFlight" | "done" | "failed";

interface StageState {
  status: StageStatus;
  totalFiles: number | null;
  /** Latest `processedFiles`; counts only while no event has named a file. */
  processedFiles: number;
  /** Ids of the events that say so: `bound` of the start or completion behind `status`, `first` of the one behind `startedAt`. */
  saidBy: { bound: number; first: number; totalFiles: number; processedFiles: number };
  /** State of each file, the id of the event that says so, and when it finished, if it did. */
  files: Map<string, { state: FileState; id: number; finishedAt: number | null }>;
  done: number;
  failed: number;
  inFlight: number;
  errors: number;
  startedAt: string | null;
  finishedAt: string | null;
  lastEventAt: string | null;
  /** The same in epoch ms. */
  lastAt: number;
  readonly finishes: RecentFinishes;
  /** Newest first. */
  events: LogEvent[];
}

export interface BatchView {
  batch: Batch;
  stages: Map<string, StageState>;
  unknownStages: Record<string, number>;
  readonly runs: RunOrder;
  /** Time at work, of the batch and of each of its stages. */
  readonly work: BatchWork;
  /** Only some events of the batch are applied, so its runs are not told from them. */
  readonly isPart: boolean;
  /** True when applied events have become history since; the holder of the view must fold it again. */
  isOutdated: boolean;
  /** Highest event id applied. */
  head: number;
  eventsPerStage: number;
}

const WORK_NAMES = WORK.map(({ name }) => name);

/**
 * The view of a batch without events. `eventsPerStage`: how many of the latest events each stage keeps. `whole`: the view of
 * all its events, where only some of them will be applied: it knows the runs.
 */
export function emptyView(batch: Batch, eventsPerStage: number, whole?: BatchView): BatchView {
  const stages = WORK.map((stage): [string, StageState] => [
    stage.name,
    {
      status: "pending",
      totalFiles: null,
      processedFiles: 0,
      saidBy: { bound: 0, first: Infinity, totalFiles: 0, processedFiles: 0 },
      files: new Map(),
      done: 0,
      failed: 0,
      inFlight: 0,
      errors: 0,
      startedAt: null,
      finishedAt: null,
      lastEventAt: null,
      lastAt: -Infinity,
      finishes: new RecentFinishes(),
      events: [],
    },
  ]);
  const runs = new RunOrder(whole?.runs.starts);
  return {
    batch,
    stages: new Map(stages),
    unknownStages: {},
    runs,
    work: whole?.work ?? new BatchWork(runs, WORK_NAMES),
    isPart: whole !== undefined,
    isOutdated: false,
    head: 0,
    eventsPerStage,
  };
}

/** Applies a new row of `batchStatus`. Returns the new view; the argument must not be used any more. */
export function applyBatch(view: BatchView, batch: Batch): BatchView {
  return { ...view, batch };
}

/**
 * Applies one event. Returns the view after it; the argument must not be used any more, because its parts are reused.
 * The caller must apply each id once. The order does not matter: ids become visible in any order, and
 * a dashboard that replays them must show the same as one that saw them arrive. {@link BatchView.isOutdated} is the one
 * exception.
 */
export function applyEvent(view: BatchView, event: LogEvent): BatchView {
  view.head = Math.max(view.head, event.id);
  if (view.runs.note(event.run, event.id)) view.isOutdated = true;
  if (view.runs.isHistory(event.run, event.id)) return view;
  const at = Date.parse(event.timestamp);
  if (!view.isPart && !view.work.note(event, at)) view.isOutdated = true;
  const state = view.stages.get(event.stage);
  if (!state) {
    // A stage name such as `constructor` must work like any other.
    const seen = Object.hasOwn(view.unknownStages, event.stage) ? (view.unknownStages[event.stage] ?? 0) : 0;
    return { ...view, unknownStages: { ...view.unknownStages, [event.stage]: seen + 1 } };
  }
  applyToStage(state, event, at);
  if (event.fileName !== null) applyToFile(state, event.fileName, event, at);
  keepLatest(state, event, view.eventsPerStage);
  return view;
}

function applyToStage(state: StageState, event: LogEvent, at: number): void {
  if (at > state.lastAt) {
    state.lastAt = at;
    state.lastEventAt = event.timestamp;
  }
  const { saidBy } = state;
  const { id, eventType } = event;
  if (event.totalFiles !== null && id > saidBy.totalFiles) {
    state.totalFiles = event.totalFiles;
    saidBy.totalFiles = id;
  }
  if (event.processedFiles !== null && id > saidBy.processedFiles) {
    state.processedFiles = event.processedFiles;
    saidBy.processedFiles = id;
  }
  if (eventType === "error") state.errors += 1;
  if (eventType === "info") return;
  // A stage that starts again continues: it keeps its first start and loses its end.
  if (id < saidBy.first) {
    state.startedAt = event.timestamp;
    saidBy.first = id;
  }
  if (state.status === "pending") state.status = "processing";
  if ((eventType === "stage_start" || eventType === "stage_complete") && id > saidBy.bound) {
    const completed = eventType === "stage_complete";
    saidBy.bound = id;
    state.finishedAt = completed ? event.timestamp : null;
    state.status = !completed ? "processing" : event.status === "failed" ? "failed" : "success";
  }
}

function applyToFile(state: StageState, fileName: string, event: LogEvent, at: number): void {
  const outcome = outcomeOf(event);
  // A card does not count skipped files.
  if (outcome === null || outcome === "skipped") return;
  const next = outcome === "retrying" ? "inFlight" : outcome;
  const previous = state.files.get(fileName);
  // Events become visible out of order, so a late one must not undo a newer one.
  if (previous && previous.id > event.id) return;
  if (previous) state[previous.state] -= 1;
  if (previous && previous.finishedAt !== null) state.finishes.remove(previous.finishedAt, state.lastAt);
  const finishedAt = next === "inFlight" ? null : at;
  state.files.set(fileName, { state: next, id: event.id, finishedAt });
  state[next] += 1;
  if (finishedAt !== null) state.finishes.add(finishedAt, state.lastAt);
}

/** Ids mostly come ascending; a late one goes to its place, so that the list is newest first by id. */
function keepLatest(state: StageState, event: LogEvent, limit: number): void {
  const place = state.events.findIndex((other) => other.id < event.id);
  state.events.splice(place === -1 ? state.events.length : place, 0, event);
  if (state.events.length > limit) state.events.length = limit;
}

/** Ids of the events that the view shows. */
export function shownEvents(view: BatchView): number[] {
  return [...view.stages.values()].flatMap(({ events }) => events.map(({ id }) => id));
}

/** Replaces events that were folded without all their fields by complete ones. Returns the new view. */
export function showEvents(view: BatchView, whole: readonly LogEvent[]): BatchView {
  const byId = new Map(whole.map((event) => [event.id, event]));
  for (const state of view.stages.values()) state.events = state.events.map((event) => byId.get(event.id) ?? event);
  return view;
}

/** The figures of a card, counted by the fold or by SQL. */
export interface StageFigures {
  status: StageStatus;
  totalFiles: number | null;
  /** The latest reported number; it counts only while no event has named a file. */
  processedFiles: number;
  /** True once an event has named a file. */
  isByFile: boolean;
  done: number;
  failed: number;
  inFlight: number;
  errors: number;
  startedAt: string | null;
  finishedAt: string | null;
  work: Work;
  lastEventAt: string | null;
  finishedLastMinute: number;
}

/**
 * The card of one stage.
 * @throws RangeError for a stage that the stage table does not know
 */
export function stageSummary(view: BatchView, name: string): StageSummary {
  const state = view.stages.get(name);
  if (!state) throw new RangeError(`There is no stage ${JSON.stringify(name)}.`);
  const { work } = view.work.stage(name);
  const finishedLastMinute = finishedInLastMinute(state, work);
  return summaryOf(name, { ...state, isByFile: state.files.size > 0, work, finishedLastMinute });
}

/**
 * The card made of these figures.
 * @throws RangeError for a stage that the stage table does not know
 */
export function summaryOf(name: string, figures: StageFigures): StageSummary {
  const stage = WORK.find((candidate) => candidate.name === name);
  if (!stage) throw new RangeError(`There is no stage ${JSON.stringify(name)}.`);
  const { status, totalFiles, failed, inFlight, startedAt, finishedAt } = figures;
  const done = figures.isByFile ? figures.done : figures.processedFiles;
  return {
    stage: stage.name,
    label: stage.label,
    description: stage.description,
    icon: stage.icon,
    kind: stage.kind,
    status,
    totalFiles,
    done,
    failed,
    inFlight,
    progress: progressOf(status, totalFiles, done + failed),
    startedAt,
    finishedAt,
    work: figures.work,
    errors: figures.errors,
    finishedLastMinute: figures.finishedLastMinute,
    lastEventAt: figures.lastEventAt,
  };
}

/** 0 to 1; null while the number of files is unknown. */
export function progressOf(status: StageStatus, totalFiles: number | null, finished: number): number | null {
  if (totalFiles === null) return null;
  if (totalFiles === 0) return status === "success" ? 1 : 0;
  return Math.min(1, finished / totalFiles);
}

/** What an earlier run finished is left out. */
function finishedInLastMinute(state: StageState, { runs, since }: Work): number {
  return state.finishes.count(state.lastAt, runs > 1 && since !== null ? Date.parse(since) : -Infinity);
}

/** Returns everything that a new viewer needs. `asOf` is the caller's clock, ISO 8601. */
export function snapshotOf(view: BatchView, asOf: string): Snapshot {
  return {
    batch: effectiveBatch(view),
    stages: STAGES.map((stage) => stageSummary(view, stage.name)),
    steps: STEPS.map((step) => stageSummary(view, step.name)),
    events: Object.fromEntries([...view.stages].map(([name, state]) => [name, state.events])),
    unknownStages: view.unknownStages,
    work: view.work.work,
    asOf,
    head: view.head,
    eventsPerStage: view.eventsPerStage,
  };
}
