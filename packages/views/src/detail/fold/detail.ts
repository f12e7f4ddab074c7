/**
 * The detail of a batch, folded from the same events as its cards, right after them: each file in each stage, each host, each
 * cause of errors, and counts over time. The fold is `applyToDetail`; the functions beside it compute the views. As in the
 * projection, each event must be applied once, and a late event does not undo a newer one.
 */
import type { LogEvent } from "@cofi/event-log/events";
import { audioSeconds, hostNews } from "@cofi/event-log/event-metadata";
import { outcomeOf } from "@cofi/event-log/file-outcome";
import type { RunOrder } from "@cofi/event-log/run-order";
import { STAGES } from "@cofi/event-log/stages";
import type { BatchView } from "../../cards/projection.js";
import { saidMs, type BatchWork } from "../../work/work-fold.js";
import { AskedStarts } from "./audio-lengths.js";
import { Durations } from "./durations.js";
import { causeOf } from "./error-cause.js";
import { ErrorGroup } from "./error-group.js";
import { GrowableArray } from "./growable-array.js";
import { HostNewsList } from "./host-news.js";
import { HostStage } from "./host-stage.js";
import { RefusedRows } from "./refused-rows.js";
import { Series } from "./series.js";
import { CODE, StageCells, type CellState } from "./stage-cells.js";
import { stageIndex } from "./stage-index.js";
import { StringTable } from "./string-table.js";

export interface Detail {
  readonly files: StringTable;
  /** 1 for a file that a stage of recordings has named; the others are CSV files and trades. */
  readonly isRecording: GrowableArray<Uint8Array>;
  /** Seconds of audio; 0 while no event has said. */
  readonly audioS: GrowableArray<Float64Array>;
  readonly askedStarts: AskedStarts;
  /** By file: the highest id of the events that said or counted its audio. */
  readonly audioId: GrowableArray<Float64Array>;
  readonly stages: readonly StageCells[];
  readonly durations: readonly Durations[];
  readonly hosts: StringTable;
  /** By host, then by stage; null where the host was not seen. */
  readonly hostStages: (HostStage | null)[][];
  readonly hostNews: HostNewsList;
  readonly causes: StringTable;
  readonly errors: ErrorGroup[];
  /** By stage; only stages of CSV files have any. */
  readonly refusedRows: readonly RefusedRows[];
  readonly series: Series;
  /** Those of the cards: an event is applied there first. */
  readonly runs: RunOrder;
  readonly work: BatchWork;
  /** True when an event came after a later one about the same file that depends on it, so the batch must be folded anew. */
  isOutdated: boolean;
  /** Events applied, and the highest id among them. */
  events: number;
  head: number;
}

const DAY_MS = 86_400_000;
/** Further causes share one group, so that messages without a common form cannot fill the memory. */
const MOST_CAUSES = 1_000;
const OTHER_CAUSES = "(other causes)";
const MOST_HOSTS = 1_000;
const OTHER_HOSTS = "(other hosts)";

/** `view`: the cards without events, to which each event is applied before it is applied here. */
export function emptyDetail({ batch, runs, work }: BatchView): Detail {
  const createdAt = Date.parse(batch.createdAt);
  return {
    files: new StringTable(),
    isRecording: new GrowableArray(Uint8Array),
    audioS: new GrowableArray(Float64Array),
    askedStarts: new AskedStarts(),
    audioId: new GrowableArray(Float64Array),
    stages: STAGES.map(() => new StageCells()),
    durations: STAGES.map(() => new Durations()),
    hosts: new StringTable(),
    hostStages: [],
    hostNews: new HostNewsList(),
    causes: new StringTable(),
    errors: [],
    refusedRows: STAGES.map(() => new RefusedRows()),
    series: new Series(STAGES.length, createdAt - DAY_MS, createdAt + 60 * DAY_MS),
    runs,
    work,
    isOutdated: false,
    events: 0,
    head: 0,
  };
}

/** Where and when an event happened. */
interface Place {
  stage: number;
  /** The id with which the run of the stage began. */
  runId: number;
  at: number;
  host: number | null;
}

/** Applies one event. One that arrived after a newer run had begun changes nothing, as in the projection; see `isOutdated` there. */
export function applyToDetail(detail: Detail, event: LogEvent): void {
  detail.events += 1;
  detail.head = Math.max(detail.head, event.id);
  if (detail.runs.isHistory(event.run, event.id)) return;
  const stage = stageIndex(event.stage);
  if (stage === undefined) return;
  const at = Date.parse(event.timestamp);
  const host = event.gpuIp === null ? null : addBounded(detail.hosts, event.gpuIp, MOST_HOSTS, OTHER_HOSTS);
  const place = { stage, at, host, runId: detail.work.stage(event.stage).runIdOf(event.id) };
  const cells = detail.stages[stage] as StageCells;
  if (event.eventType === "stage_progress") cells.progressAt = Math.max(cells.progressAt, at);
  if (STAGES[stage]?.unit === "table") detail.refusedRows[stage]?.apply(event);
  const file = event.fileName === null ? null : detail.files.add(event.fileName);
  const isFailure = isFirstWordOfFailure(cells, file, event);
  const cause = isFailure ? countError(detail, event, place, file) : null;
  const tookMs = file === null ? null : tookOf(cells, file, event, at);
  if (host !== null) {
    countHost(hostStage(detail, host, stage), event, place, { isFailure, tookMs });
    noteHostNews(detail, event, host, stage);
  }
  if (file === null) return;
  if (STAGES[stage]?.unit === "recording") detail.isRecording.set(file, 1);
  const audioS = audioOf(detail, stage, file, event);
  const state = outcomeOf(event);
  if (state === null) return;
  if (event.id < cells.eventId.get(file)) detail.isOutdated = true;
  const isSaidAgain = state === "failed" && !isFailure;
  if (state !== "skipped" && !isSaidAgain) countEnd(detail, place, file, { state, tookMs, audioS });
  applyToCell(detail, place, file, event, { state, cause, tookMs, isSaidAgain });
}

/** Some writers log an error, some a failed completion, some both for the same attempt, which counts once. */
function isFirstWordOfFailure(cells: StageCells, file: number | null, { eventType, status }: LogEvent): boolean {
  if (eventType === "error") return true;
  if (eventType !== "file_complete" || status !== "failed") return false;
  return file === null || cells.attemptOf(file) !== "failed";
}

/** ms; as its writer says, else from its start to its end; null when neither is known, and of what ends no attempt. */
function tookOf(cells: StageCells, file: number, event: LogEvent, at: number): number | null {
  if (event.eventType !== "file_complete" && event.eventType !== "error") return null;
  const said = saidMs(event.durationMs);
  if (said !== null) return said;
  const startedAt = cells.startedAt.get(file);
  const isItsEnd = cells.attemptOf(file) === "inFlight" && startedAt > 0 && event.id > cells.eventId.get(file);
  return isItsEnd ? Math.max(0, at - startedAt) : null;
}

/**
 * Starts say how long the audio of their file is, in `metadata.audioSeconds`: the first ones are asked. A completion counts it
 * as it was known by then.
 */
function audioOf(detail: Detail, stage: number, file: number, { id, eventType, metadata }: LogEvent): number {
  const { audioS, audioId, askedStarts } = detail;
  if (eventType !== "file_start" && eventType !== "file_complete") return 0;
  if (id < audioId.get(file)) detail.isOutdated = true;
  else audioId.set(file, id);
  if (eventType === "file_complete" || !askedStarts.isToAsk(file, stage)) return audioS.get(file);
  const said = audioSeconds(metadata);
  if (said === null) return audioS.get(file);
  askedStarts.told(file);
  audioS.set(file, said);
  return said;
}

/** Of an attempt; a failure before it did not stand. */
function countEnd(
  { stages, series, durations }: Detail,
  { stage, at }: Place,
  file: number,
  { state, tookMs, audioS }: { state: CellState; tookMs: number | null; audioS: number },
): void {
  const cells = stages[stage] as StageCells;
  if (cells.attemptOf(file) === "failed") series.retry(stage, cells.endedAt.get(file));
  if (state === "inFlight") return;
  const what = state === "retrying" ? "retried" : state === "done" ? "done" : "failed";
  series.count(stage, at, { what, durationMs: tookMs, audioS: what === "done" ? audioS : 0 });
  if (tookMs !== null) durations[stage]?.add(tookMs);
}

function applyToCell(
  detail: Detail,
  { stage, at, host: hostNow }: Place,
  file: number,
  event: LogEvent,
  now: { state: CellState; cause: number | null; tookMs: number | null; isSaidAgain: boolean },
): void {
  const cells = detail.stages[stage] as StageCells;
  const isStart = event.eventType === "file_start";
  if (isStart) cells.starts.set(file, cells.starts.get(file) + 1);
  cells.attempts.set(file, Math.max(cells.attempts.get(file), event.attempt ?? 0, cells.starts.get(file)));
  if (now.cause !== null && event.id > cells.errorId.get(file)) {
    cells.cause.set(file, now.cause + 1);
    cells.errorId.set(file, event.id);
  }
  if (hostNow !== null) cells.noteHost(file, hostNow);
  // Events become visible out of order, so a late one must not undo a newer one.
  if (event.id < cells.eventId.get(file)) return;
  const before = cells.stateOf(file);
  if (before === "none") cells.named += 1;
  const hostBefore = cells.host.get(file) - 1;
  if (before === "inFlight" && hostBefore >= 0) hostStage(detail, hostBefore, stage).inFlight -= 1;
  const host = hostNow ?? (isStart ? -1 : hostBefore);
  if (now.state === "inFlight" && host >= 0) hostStage(detail, host, stage).inFlight += 1;
  cells.state.set(file, CODE[now.state]);
  cells.eventId.set(file, event.id);
  cells.host.set(file, host + 1);
  // A file that was attempted before it was left out keeps the times of its attempt, and an attempt its first end.
  if (now.isSaidAgain || (now.state === "skipped" && cells.attemptOf(file) !== "none")) return;
  if (now.state !== "skipped") cells.attempt.set(file, CODE[now.state]);
  if (isStart) cells.startedAt.set(file, at);
  cells.endedAt.set(file, isStart ? 0 : at);
  cells.duration.set(file, now.tookMs ?? -1);
}

function hostStage(detail: Detail, host: number, stage: number): HostStage {
  const stages = (detail.hostStages[host] ??= STAGES.map(() => null));
  return (stages[stage] ??= new HostStage());
}

function countHost(
  host: HostStage,
  event: LogEvent,
  { at, runId }: Place,
  { isFailure, tookMs }: { isFailure: boolean; tookMs: number | null },
): void {
  const run = host.runOf(runId);
  run.firstAt = Math.min(run.firstAt, at);
  run.lastAt = Math.max(run.lastAt, at);
  if (event.fileName !== null) run.hasFiles = true;
  if (isFailure) run.errors += 1;
  if (event.eventType !== "file_complete" || event.status === "failed") return;
  run.done += 1;
  if (tookMs === null) return;
  host.busyMs += tookMs;
  host.timed += 1;
}

function noteHostNews(detail: Detail, event: LogEvent, host: number, stage: number): void {
  const news = hostNews(event);
  if (news === null) return;
  hostStage(detail, host, stage).note(news, event);
  detail.hostNews.add(event.id, host, stage, news.kind);
}

/** @returns the index of the cause */
function countError(detail: Detail, event: LogEvent, { stage, host, runId }: Place, file: number | null): number {
  const cause = causeOf(event.errorMessage, event.fileName);
  const index = addBounded(detail.causes, cause, MOST_CAUSES, OTHER_CAUSES);
  const group = (detail.errors[index] ??= new ErrorGroup(detail.causes.all[index] ?? ""));
  group.add(event, stage, file, host);
  const isFinal = outcomeOf(event) === "failed";
  if (file === null) {
    if (isFinal) group.hitStage(stage, runId);
  } else if (!isFinal && STAGES[stage]?.unit === "table")
    group.hitRow(stage, file, detail.stages[stage]!.starts.get(file), runId);
  else group.hitFile(stage, file);
  return index;
}

function addBounded(names: StringTable, name: string, most: number, others: string): number {
  return names.find(name) ?? names.add(names.all.length < most ? name : others);
}
