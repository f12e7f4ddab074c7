/**
 * The projection: from the events of one batch to what its ten cards show. One fold, used by the dashboard for its
 * views and by the tests as the oracle for what SQL says. Pure: no clock, no I/O; the result depends on the batch row
 * and the events only.
 *
 * A file counts once per stage, by its latest event, however often it was retried:
 *
 *     file_start                               -> in flight
 *     file_complete (success or no status)     -> done
 *     file_complete (failed)                   -> failed
 *     error with a file (processing, pending)  -> in flight: it will be tried again
 *     error with a file (failed or no status)  -> failed
 *
 * A writer that logs no files, only stage_progress and stage_complete, is believed: `processedFiles` counts as done.
 */
import type { Batch, LogEvent, Snapshot, StageStatus, StageSummary } from "./events.js";
import { STAGES } from "./stages.js";

type FileState = "inFlight" | "done" | "failed";

interface StageState {
  status: StageStatus;
  totalFiles: number | null;
  /** Latest `processedFiles`; counts only while no event has named a file. */
  processedFiles: number;
  /** State of each file, and the id of the event that says so. */
  files: Map<string, { state: FileState; id: number }>;
  done: number;
  failed: number;
  inFlight: number;
  errors: number;
  startedAt: string | null;
  finishedAt: string | null;
  lastEventAt: string | null;
  /** Epoch milliseconds at which files finished in the last minute before `lastEventAt`, ascending. */
  finishes: number[];
  /** Newest first. */
  events: LogEvent[];
}

export interface BatchView {
  batch: Batch;
  stages: Map<string, StageState>;
  unknownStages: Record<string, number>;
  /** Highest event id applied. */
  head: number;
  eventsPerStage: number;
}

const MINUTE_MS = 60_000;

/** The view of a batch without events. `eventsPerStage`: how many of the latest events each stage keeps. */
export function emptyView(batch: Batch, eventsPerStage: number): BatchView {
  const stages = STAGES.map((stage): [string, StageState] => [
    stage.name,
    {
      status: "pending",
      totalFiles: null,
      processedFiles: 0,
      files: new Map(),
      done: 0,
      failed: 0,
      inFlight: 0,
      errors: 0,
      startedAt: null,
      finishedAt: null,
      lastEventAt: null,
      finishes: [],
      events: [],
    },
  ]);
  return { batch, stages: new Map(stages), unknownStages: {}, head: 0, eventsPerStage };
}

/** A new row of `batchStatus`. Returns the view to go on with; the argument is used up. */
export function applyBatch(view: BatchView, batch: Batch): BatchView {
  return { ...view, batch };
}

/**
 * Applies one event. Returns the view to go on with; the argument is used up (its maps are carried over, not copied).
 * Each id must be applied once, in the order in which the ids became visible; the caller sees to that.
 */
export function applyEvent(view: BatchView, event: LogEvent): BatchView {
  const head = Math.max(view.head, event.id);
  const state = view.stages.get(event.stage);
  if (!state) {
    const seen = view.unknownStages[event.stage] ?? 0;
    return { ...view, head, unknownStages: { ...view.unknownStages, [event.stage]: seen + 1 } };
  }
  applyToStage(state, event);
  if (event.fileName !== null) applyToFile(state, event.fileName, event);
  keepLatest(state, event, view.eventsPerStage);
  return { ...view, head };
}

function applyToStage(state: StageState, event: LogEvent): void {
  if (state.lastEventAt === null || event.timestamp > state.lastEventAt) state.lastEventAt = event.timestamp;
  if (event.totalFiles !== null) state.totalFiles = event.totalFiles;
  if (event.processedFiles !== null) state.processedFiles = event.processedFiles;
  if (event.eventType === "error") state.errors += 1;
  if (event.eventType === "stage_complete") {
    state.status = event.status === "failed" ? "failed" : "success";
    state.finishedAt = event.timestamp;
    state.startedAt ??= event.timestamp;
  } else if (event.eventType === "stage_start") {
    // A stage that starts again goes on: it keeps its first start and loses its end.
    state.status = "processing";
    state.startedAt ??= event.timestamp;
    state.finishedAt = null;
  } else if (state.status === "pending" && event.eventType !== "info") {
    state.status = "processing";
    state.startedAt ??= event.timestamp;
  }
}

function fileState(event: LogEvent): FileState | null {
  if (event.eventType === "file_start") return "inFlight";
  if (event.eventType === "file_complete") return event.status === "failed" ? "failed" : "done";
  if (event.eventType !== "error") return null;
  return event.status === "processing" || event.status === "pending" ? "inFlight" : "failed";
}

function applyToFile(state: StageState, fileName: string, event: LogEvent): void {
  const next = fileState(event);
  if (next === null) return;
  const previous = state.files.get(fileName);
  // Events become visible out of order: one that comes late does not undo what a later one said.
  if (previous && previous.id > event.id) return;
  if (previous) state[previous.state] -= 1;
  state.files.set(fileName, { state: next, id: event.id });
  state[next] += 1;
  if (next !== "inFlight") state.finishes.push(Date.parse(event.timestamp));
  const since = Date.parse(state.lastEventAt ?? event.timestamp) - MINUTE_MS;
  const kept = state.finishes.findIndex((time) => time > since);
  if (kept > 0) state.finishes.splice(0, kept);
}

/** Ids mostly come ascending; a late one goes to its place, so that the list is newest first by id. */
function keepLatest(state: StageState, event: LogEvent, limit: number): void {
  const place = state.events.findIndex((other) => other.id < event.id);
  state.events.splice(place === -1 ? state.events.length : place, 0, event);
  if (state.events.length > limit) state.events.length = limit;
}

/**
 * The card of one stage.
 * @throws RangeError for a stage that the stage table does not know
 */
export function stageSummary(view: BatchView, name: string): StageSummary {
  const state = view.stages.get(name);
  const stage = STAGES.find((candidate) => candidate.name === name);
  if (!state || !stage) throw new RangeError(`There is no stage ${JSON.stringify(name)}.`);
  const byFile = state.files.size > 0;
  const done = byFile ? state.done : state.processedFiles;
  const { totalFiles, failed, inFlight } = state;
  return {
    stage: stage.name,
    label: stage.label,
    description: stage.description,
    icon: stage.icon,
    kind: stage.kind,
    status: state.status,
    totalFiles,
    done,
    failed,
    inFlight,
    progress: progress(state, totalFiles, done + failed),
    startedAt: state.startedAt,
    finishedAt: state.finishedAt,
    errors: state.errors,
    finishedLastMinute: finishedLastMinute(state),
    lastEventAt: state.lastEventAt,
  };
}

function progress(state: StageState, totalFiles: number | null, finished: number): number | null {
  if (totalFiles === null) return null;
  if (totalFiles === 0) return state.status === "success" ? 1 : 0;
  return Math.min(1, finished / totalFiles);
}

function finishedLastMinute(state: StageState): number {
  const since = Date.parse(state.lastEventAt ?? "") - MINUTE_MS;
  return state.finishes.filter((time) => time > since).length;
}

/** The batch as the page shows it: one that another service opened and never marked reads as running once it has events. */
export function effectiveBatch(view: BatchView): Batch {
  const { batch, head } = view;
  return batch.status === "pending" && head > 0 ? { ...batch, status: "running" } : batch;
}

/** Everything a viewer needs at first. `asOf` is the caller's clock, ISO 8601. */
export function snapshotOf(view: BatchView, asOf: string): Snapshot {
  return {
    batch: effectiveBatch(view),
    stages: STAGES.map((stage) => stageSummary(view, stage.name)),
    events: Object.fromEntries([...view.stages].map(([name, state]) => [name, state.events])),
    unknownStages: view.unknownStages,
    asOf,
    head: view.head,
    eventsPerStage: view.eventsPerStage,
  };
}

/** The cards before any batch: all pending. */
export function emptySnapshot(asOf: string, eventsPerStage: number): Snapshot {
  const nobody: Batch = {
    id: 0,
    name: "",
    status: "pending",
    currentStage: null,
    totalFiles: null,
    createdAt: asOf,
    startedAt: null,
    finishedAt: null,
  };
  return { ...snapshotOf(emptyView(nobody, eventsPerStage), asOf), batch: null };
}
