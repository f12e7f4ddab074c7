/** The columns of `batchExecutionLog`, listed once: who writes them, and who reads them back. */
import type { EventStatus, EventType } from "../events.js";

/** One event as it goes into `batchExecutionLog`: texts are final, `timestamp` is UTC in the database's form. */
export interface StoredEvent {
  batchId: number;
  timestamp: string;
  stage: string;
  eventType: EventType;
  fileName: string | null;
  gpuIp: string | null;
  payload: string | null;
  response: string | null;
  status: EventStatus | null;
  errorMessage: string | null;
  totalFiles: number | null;
  processedFiles: number | null;
  metadata: string | null;
  /** Made by the writer, unique: inserting the event again adds no row. */
  eventId: string;
  attempt: number | null;
  durationMs: number | null;
  /** JSON of a `Cut`. */
  payloadCut: string | null;
  responseCut: string | null;
  /** The run of its batch that logged it; null for a writer that does not run the batch. */
  run: number | null;
}

/**
 * written: given by a writer of ours · listed: read wherever events are listed · replayed: in the index that replays read ·
 * exported: a column of an export
 */
const EVENT_COLUMNS = {
  id: ["listed", "replayed", "exported"],
  batchId: ["written", "listed", "replayed", "exported"],
  timestamp: ["written", "listed", "replayed", "exported"],
  stage: ["written", "listed", "replayed", "exported"],
  eventType: ["written", "listed", "replayed", "exported"],
  fileName: ["written", "listed", "replayed", "exported"],
  gpuIp: ["written", "listed", "replayed", "exported"],
  payload: ["written"],
  response: ["written"],
  status: ["written", "listed", "replayed", "exported"],
  errorMessage: ["written", "listed", "exported"],
  totalFiles: ["written", "listed", "replayed", "exported"],
  processedFiles: ["written", "listed", "replayed", "exported"],
  metadata: ["written", "listed", "exported"],
  eventId: ["written"],
  payloadBytes: ["listed", "exported"],
  responseBytes: ["listed", "exported"],
  attempt: ["written", "listed", "replayed", "exported"],
  durationMs: ["written", "listed", "replayed", "exported"],
  payloadCut: ["written", "listed"],
  responseCut: ["written", "listed"],
  run: ["written", "listed", "replayed", "exported"],
} as const;

type Columns = typeof EVENT_COLUMNS;
type Use = Columns[keyof Columns][number];
type ColumnFor<U extends Use> = { [C in keyof Columns]: U extends Columns[C][number] ? C : never }[keyof Columns];

/** In the order of the table. */
export function eventColumns<U extends Use>(use: U): readonly ColumnFor<U>[] {
  const columns = Object.entries(EVENT_COLUMNS) as [keyof Columns, readonly Use[]][];
  return columns.filter(([, uses]) => uses.includes(use)).map(([name]) => name) as ColumnFor<U>[];
}
