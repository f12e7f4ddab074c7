/**
 * What an event, a batch and a stage summary look like outside the database. These are the shapes of the HTTP API and of
 * the live feed; nothing here depends on Node, so the page imports it too.
 */
import type { StageKind } from "./stages.js";

export const EVENT_TYPES = [
  "stage_start",
  "stage_progress",
  "stage_complete",
  "file_start",
  "file_complete",
  "error",
  "info",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export const EVENT_STATUSES = ["pending", "processing", "success", "failed"] as const;
export type EventStatus = (typeof EVENT_STATUSES)[number];

export const BATCH_STATUSES = [
  "pending",
  "running",
  "interrupted",
  "completed",
  "completed_with_errors",
  "failed",
] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** One row of `batchExecutionLog` without its payload and response, which are fetched by id. */
export interface LogEvent {
  id: number;
  batchId: number;
  /** ISO 8601, UTC, with milliseconds and `Z`. */
  timestamp: string;
  stage: string;
  eventType: EventType;
  fileName: string | null;
  gpuIp: string | null;
  status: EventStatus | null;
  errorMessage: string | null;
  totalFiles: number | null;
  processedFiles: number | null;
  metadata: Json;
  /** Bytes of UTF-8 in the payload as it was logged (before a cut, see `payloadCut`); null without a payload. */
  payloadBytes: number | null;
  responseBytes: number | null;
  /** 1 for the first try of a file in a stage; null when the writer did not say. */
  attempt: number | null;
  durationMs: number | null;
  /** The run of its batch that logged it; null when the writer does not run the batch. */
  run: number | null;
  /** It arrived after a newer run of its batch had begun, and counts nowhere. Said where events are listed. */
  history?: true | undefined;
}

/** A payload or response that is not stored whole: cut, because it was longer than the limit, or removed by retention. */
export interface Cut {
  /** Bytes of UTF-8 of the whole text. */
  bytes: number;
  /** Hex SHA-256 of the whole text; null when it was removed and not known. */
  sha256: string | null;
  /** ISO 8601: when retention removed it; absent when it was cut. */
  removedAt?: string | undefined;
}

/**
 * `GET /api/events/{id}`: the whole row. `payload`, `response` and `metadataText` are the stored texts: JSON unless cut or written so
 * by others. MySQL stores metadata in a form of its own (`docs/database.md`).
 */
export interface LogEventDetail extends LogEvent {
  metadataText: string | null;
  payload: string | null;
  response: string | null;
  payloadCut: Cut | null;
  responseCut: Cut | null;
  /** Pseudonyms stand in the place of contents. */
  masked?: true | undefined;
}

export interface Batch {
  id: number;
  /** As given by the writer, else `Batch {id}`. */
  name: string;
  status: BatchStatus;
  currentStage: string | null;
  totalFiles: number | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  /** Only while nobody seems to work on a batch that has not ended. */
  silence?: Silence | undefined;
}

/** A batch is marked as running, and its writer gives no sign of life. The next sign ends the silence. */
export interface Silence {
  /** ISO 8601: the last sign of life, which is the last event or the last renewal of the lease. */
  since: string;
  /** The run whose lease has run out; null for another writer, which has no lease and has logged nothing for a long time. */
  run: number | null;
}

/** pending: no event yet · processing: started · success / failed: as its `stage_complete` said. */
export type StageStatus = "pending" | "processing" | "success" | "failed";

/**
 * Time at work, of a stage or of a batch: the sum of its runs, without the pauses between them. The rule that says what a run
 * is stands in `work/stage-runs.ts` and `work/batch-runs.ts` of views.
 */
export interface Work {
  /** Runs so far; 0 before the first event. */
  runs: number;
  /** ms of the runs that are over. */
  overMs: number;
  /** Start of the run that is not over, ISO 8601; null when there is none. */
  since: string | null;
  /** ms of that run up to its latest event; 0 when there is none. */
  loggedMs: number;
}

/** The card of one stage: a file counts once, by its latest state, however often it was retried. */
export interface StageSummary {
  stage: string;
  label: string;
  description: string;
  icon: string;
  kind: StageKind;
  status: StageStatus;
  /** null while no event has said how many there are. */
  totalFiles: number | null;
  done: number;
  failed: number;
  inFlight: number;
  /** (done + failed) / totalFiles, 0 to 1; null while totalFiles is unknown. */
  progress: number | null;
  startedAt: string | null;
  finishedAt: string | null;
  work: Work;
  /** Events of type `error` in this stage: failed attempts, refused CSV rows, failures of the stage itself. */
  errors: number;
  /** Files finished (done or failed) in the 60 s up to `lastEventAt`, since the run that is not over began. */
  finishedLastMinute: number;
  lastEventAt: string | null;
}

/** SSE event `snapshot`: the view of one batch at one moment. */
export interface Snapshot {
  batch: Batch | null;
  /** One per stage, in stage order. */
  stages: StageSummary[];
  /** One per step of the pipeline between stages, in their order. */
  steps: StageSummary[];
  /** The latest events of each stage, newest first, at most `eventsPerStage` a stage. */
  events: Record<string, LogEvent[]>;
  /** Events of stages that the stage table does not know, by name: written by others, on no card. */
  unknownStages: Record<string, number>;
  /** Of the batch. */
  work: Work;
  /** The server's time when the view was made; ISO 8601. */
  asOf: string;
  /** Highest event id in the view; 0 when there is none. */
  head: number;
  eventsPerStage: number;
  /** Events since the reader's `Last-Event-ID`, when they are too many to be sent; absent when they were sent, or none was named. */
  missed?: number | undefined;
}

/**
 * SSE event `events`: what came since the last frame. Summaries are absolute, not differences, so a frame that is missed
 * or repeated cannot skew a count; `stages` holds those that changed.
 */
export interface Frame {
  batchId: number;
  /** In the order they became visible in the database; may repeat ids after a reconnect. */
  events: LogEvent[];
  stages: StageSummary[];
  /** Of the steps between stages, those that changed. */
  steps: StageSummary[];
  batch: Batch;
  unknownStages: Record<string, number>;
  work: Work;
  asOf: string;
  head: number;
}

/** RFC 9457 problem details: the body of every error of the API and of the engines. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
}
