/**
 * The detail of a batch, folded from the same events as its cards: each file in each stage, each host, each cause of errors,
 * and counts over time. The fold is `applyToDetail`; the functions beside it compute the views. As in the projection, each
 * event must be applied once, and a late event does not undo a newer one.
 */
import type { Batch, LogEvent } from "@cofi/event-log/events";
import { RunOrder, type RunStart } from "@cofi/event-log/run-order";
import { outcomeOf, type FileOutcome } from "@cofi/event-log/file-outcome";
import { STAGES } from "@cofi/event-log/stages";
import { causeOf } from "./error-cause.js";
import { GrowableArray } from "./growable-array.js";
import { StringTable } from "./string-table.js";
import { countDuration, emptyHistogram, type Histogram } from "./histogram.js";
import { Series } from "./series.js";
import { audioSeconds } from "@cofi/event-log/event-metadata";

/** State of a file in a stage, with the number that is stored. A file that no event of the stage names is `none`. */
export const CELL_STATES = ["none", "inFlight", "retrying", "done", "failed", "skipped"] as const satisfies readonly (
  | FileOutcome
  | "none"
)[];
export type CellState = (typeof CELL_STATES)[number];
const CODE = Object.fromEntries(CELL_STATES.map((state, code) => [state, code])) as Record<CellState, number>;

const HOST_BITS = 32;

/** One stage of all files; index: the file. */
export class StageCells {
  /** Files that an event of the stage has named. */
  named = 0;
  /** Epoch ms at which its current run began; a resumed batch starts its stages again. */
  beganAt = 0;
  /** Epoch ms of its latest event. */
  lastAt = 0;
  /** Epoch ms at which the stage last reported progress. */
  progressAt = 0;
  readonly state = new GrowableArray(Uint8Array);
  /** Id of the event that says so. */
  readonly eventId = new GrowableArray(Float64Array);
  /** Attempts so far: the highest number that an event gave, or how often the file was started. */
  readonly attempts = new GrowableArray(Uint16Array);
  readonly starts = new GrowableArray(Uint16Array);
  /** Index of the host of the latest attempt, plus one; 0: none was named. */
  readonly host = new GrowableArray(Uint16Array);
  /** Bit n: host n has attempted the file; only for the first {@link HOST_BITS} hosts. */
  readonly attemptedBy = new GrowableArray(Int32Array);
  /** Epoch ms: start and end of the latest attempt. */
  readonly startedAt = new GrowableArray(Float64Array);
  readonly endedAt = new GrowableArray(Float64Array);
  /** Duration in ms of the latest finished attempt; -1 when unknown. */
  readonly duration = new GrowableArray(Float32Array);
  /** Index of the cause of the latest error, plus one; 0: none. */
  readonly cause = new GrowableArray(Uint16Array);
  readonly errorId = new GrowableArray(Float64Array);

  /** Whether the host has attempted the file; of hosts beyond the bits, only the latest is known. */
  wasAttemptedBy(file: number, host: number): boolean {
    return this.host.get(file) === host + 1 || (host < HOST_BITS && ((this.attemptedBy.get(file) >> host) & 1) === 1);
  }

  stateOf(file: number): CellState {
    return CELL_STATES[this.state.get(file)] ?? "none";
  }
}

/** One host in one stage. */
export interface HostStage {
  done: number;
  errors: number;
  inFlight: number;
  /** Epoch ms of its first and latest event. */
  firstAt: number;
  lastAt: number;
  /** Sum of the durations of its finished attempts, ms. */
  busyMs: number;
}

/** Errors of one cause. */
export interface ErrorGroup {
  cause: string;
  /** The message of the first of them. */
  example: string;
  count: number;
  /** The errors after which the file had failed for good. */
  final: number;
  firstId: number;
  firstAt: string;
  lastId: number;
  lastAt: string;
  /** By index of the stage. */
  stages: Map<number, number>;
  /** By index of the host. */
  hosts: Map<number, number>;
  files: Set<number>;
}

export interface Detail {
  readonly files: StringTable;
  /** 1 for a file that a stage of recordings has named; the others are CSV files and trades. */
  readonly isRecording: GrowableArray<Uint8Array>;
  /** Seconds of audio; 0 while no event has said. */
  readonly audioS: GrowableArray<Float64Array>;
  readonly stages: readonly StageCells[];
  readonly durations: readonly Histogram[];
  readonly hosts: StringTable;
  /** By host, then by stage; null where the host was not seen. */
  readonly hostStages: (HostStage | null)[][];
  readonly causes: StringTable;
  readonly errors: ErrorGroup[];
  readonly series: Series;
  readonly runs: RunOrder;
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

/** `runStarts`: known starts of runs, beyond those in the events that will be applied. */
export function emptyDetail(batch: Batch, runStarts: readonly RunStart[] = []): Detail {
  const createdAt = Date.parse(batch.createdAt);
  return {
    files: new StringTable(),
    isRecording: new GrowableArray(Uint8Array),
    audioS: new GrowableArray(Float64Array),
    stages: STAGES.map(() => new StageCells()),
    durations: STAGES.map(emptyHistogram),
    hosts: new StringTable(),
    hostStages: [],
    causes: new StringTable(),
    errors: [],
    series: new Series(STAGES.length, createdAt - DAY_MS, createdAt + 60 * DAY_MS),
    runs: new RunOrder(runStarts),
    events: 0,
    head: 0,
  };
}

const STAGE_INDEX: ReadonlyMap<string, number> = new Map(STAGES.map(({ name }, index) => [name, index]));

/** Index of a stage in the stage table; undefined for one that it does not know. */
export function stageIndex(name: string): number | undefined {
  return STAGE_INDEX.get(name);
}

/** Applies one event. One that arrived after a newer run had begun changes nothing, as in the projection; see `isOutdated` there. */
export function applyToDetail(detail: Detail, event: LogEvent): void {
  detail.events += 1;
  detail.head = Math.max(detail.head, event.id);
  detail.runs.note(event.run, event.id);
  if (detail.runs.isHistory(event.run, event.id)) return;
  const stage = stageIndex(event.stage);
  if (stage === undefined) return;
  const at = Date.parse(event.timestamp);
  const host = event.gpuIp === null ? null : addBounded(detail.hosts, event.gpuIp, MOST_HOSTS, OTHER_HOSTS);
  const cells = detail.stages[stage] as StageCells;
  applyToStage(cells, event, at);
  const file = event.fileName === null ? null : detail.files.add(event.fileName);
  const isFailure = isFirstWordOfFailure(cells, file, event);
  const cause = isFailure ? countError(detail, event, stage, host) : null;
  const audioS = file === null ? 0 : audioOf(detail, file, event);
  if (file !== null && STAGES[stage]?.unit === "recording") detail.isRecording.set(file, 1);
  const state = file === null ? null : outcomeOf(event);
  if (host !== null) countHost(hostStage(detail, host, stage), event, { at, isFailure });
  if (file === null || state === null) return;
  const tookMs = state === "inFlight" || state === "skipped" ? null : tookOf(cells, file, event, at);
  if (state !== "inFlight" && state !== "skipped") {
    const what = state === "retrying" ? "retried" : state;
    detail.series.count(stage, at, what, tookMs, state === "done" ? audioS : 0);
    if (tookMs !== null) countDuration(detail.durations[stage] as Histogram, tookMs);
  }
  applyToCell(detail, stage, file, event, { state, at, host, cause, tookMs });
}

/** A start of a stage after this silence is a resumption; an earlier one is the start of another host. */
const RESUMED_MS = 60_000;

function applyToStage(cells: StageCells, { eventType }: LogEvent, at: number): void {
  if (eventType === "stage_progress") cells.progressAt = Math.max(cells.progressAt, at);
  if (eventType === "stage_start" && at - cells.lastAt > RESUMED_MS) cells.beganAt = at;
  cells.lastAt = Math.max(cells.lastAt, at);
}

/** Some writers log an error, some a failed completion, some both for the same attempt, which counts once. */
function isFirstWordOfFailure(cells: StageCells, file: number | null, { eventType, status }: LogEvent): boolean {
  if (eventType === "error") return true;
  if (eventType !== "file_complete" || status !== "failed") return false;
  return file === null || cells.stateOf(file) !== "failed";
}

/** ms; as its writer says, else from its start to its end; null when neither is known. */
function tookOf(cells: StageCells, file: number, { id, durationMs }: LogEvent, at: number): number | null {
  if (durationMs !== null) return durationMs;
  const startedAt = cells.startedAt.get(file);
  const isItsEnd = cells.stateOf(file) === "inFlight" && startedAt > 0 && id > cells.eventId.get(file);
  return isItsEnd ? Math.max(0, at - startedAt) : null;
}

/** A start of a file may say how long its audio is: `metadata.audioSeconds`. A replay reads that of no other event. */
function audioOf(detail: Detail, file: number, { eventType, metadata }: LogEvent): number {
  const said = eventType === "file_start" ? audioSeconds(metadata) : null;
  if (said !== null) detail.audioS.set(file, said);
  return detail.audioS.get(file);
}

function applyToCell(
  detail: Detail,
  stage: number,
  file: number,
  event: LogEvent,
  now: { state: CellState; at: number; host: number | null; cause: number | null; tookMs: number | null },
): void {
  const cells = detail.stages[stage] as StageCells;
  const isStart = event.eventType === "file_start";
  if (isStart) cells.starts.set(file, cells.starts.get(file) + 1);
  const attempts = Math.max(cells.attempts.get(file), event.attempt ?? 0, cells.starts.get(file));
  cells.attempts.set(file, attempts);
  if (now.cause !== null && event.id > cells.errorId.get(file)) {
    cells.cause.set(file, now.cause + 1);
    cells.errorId.set(file, event.id);
  }
  if (now.host !== null && now.host < HOST_BITS)
    cells.attemptedBy.set(file, cells.attemptedBy.get(file) | (1 << now.host));
  // Events become visible out of order, so a late one must not undo a newer one.
  if (event.id < cells.eventId.get(file)) return;
  const before = cells.stateOf(file);
  if (before === "none") cells.named += 1;
  const hostBefore = cells.host.get(file) - 1;
  if (before === "inFlight" && hostBefore >= 0) hostStage(detail, hostBefore, stage).inFlight -= 1;
  const host = now.host ?? (isStart ? -1 : hostBefore);
  if (now.state === "inFlight" && host >= 0) hostStage(detail, host, stage).inFlight += 1;
  cells.state.set(file, CODE[now.state]);
  cells.eventId.set(file, event.id);
  cells.host.set(file, host + 1);
  if (isStart) {
    cells.startedAt.set(file, now.at);
    cells.endedAt.set(file, 0);
    cells.duration.set(file, -1);
    return;
  }
  cells.endedAt.set(file, now.at);
  cells.duration.set(file, now.tookMs ?? -1);
}

function hostStage(detail: Detail, host: number, stage: number): HostStage {
  const stages = (detail.hostStages[host] ??= STAGES.map(() => null));
  return (stages[stage] ??= {
    done: 0,
    errors: 0,
    inFlight: 0,
    firstAt: Infinity,
    lastAt: -Infinity,
    busyMs: 0,
  });
}

function countHost(host: HostStage, event: LogEvent, { at, isFailure }: { at: number; isFailure: boolean }): void {
  host.firstAt = Math.min(host.firstAt, at);
  host.lastAt = Math.max(host.lastAt, at);
  if (isFailure) host.errors += 1;
  if (event.eventType !== "file_complete" || event.status === "failed") return;
  host.done += 1;
  host.busyMs += event.durationMs ?? 0;
}

/** @returns the index of the cause */
function countError(detail: Detail, event: LogEvent, stage: number, host: number | null): number {
  const { errorMessage, fileName, id, timestamp } = event;
  const index = addBounded(detail.causes, causeOf(errorMessage, fileName), MOST_CAUSES, OTHER_CAUSES);
  const group = (detail.errors[index] ??= {
    cause: detail.causes.all[index] ?? "",
    example: errorMessage ?? "",
    count: 0,
    final: 0,
    firstId: Infinity,
    firstAt: timestamp,
    lastId: 0,
    lastAt: timestamp,
    stages: new Map(),
    hosts: new Map(),
    files: new Set(),
  });
  group.count += 1;
  if (outcomeOf(event) === "failed") group.final += 1;
  if (id < group.firstId) Object.assign(group, { firstId: id, firstAt: timestamp, example: errorMessage ?? "" });
  if (id > group.lastId) Object.assign(group, { lastId: id, lastAt: timestamp });
  group.stages.set(stage, (group.stages.get(stage) ?? 0) + 1);
  if (host !== null) group.hosts.set(host, (group.hosts.get(host) ?? 0) + 1);
  if (fileName !== null) group.files.add(detail.files.add(fileName));
  return index;
}

function addBounded(names: StringTable, name: string, most: number, others: string): number {
  return names.find(name) ?? names.add(names.all.length < most ? name : others);
}
