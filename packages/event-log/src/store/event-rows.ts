/** From rows of `batchExecutionLog` to the shapes of the API. */
import type { Selectable } from "kysely";
import type { Tables } from "../database/tables.js";
import type { Cut, LogEvent, LogEventDetail } from "../events.js";
import { parseJson } from "../json.js";
import { toApiTime } from "../time.js";
import { eventColumns } from "./event-columns.js";

type Replayed = ReturnType<typeof eventColumns<"replayed">>[number];
type ReplayedRow = Pick<Selectable<Tables["batchExecutionLog"]>, Replayed>;

export const REPLAYED = eventColumns("replayed");
const PLACES = Object.fromEntries(REPLAYED.map((name, place) => [name, place])) as Record<Replayed, number>;

/** A value of a row that lists those of {@link REPLAYED}. */
export function replayed<Name extends Replayed>(row: readonly unknown[], name: Name): ReplayedRow[Name] {
  return row[PLACES[name]] as ReplayedRow[Name];
}

type EventRow = Omit<LogEvent, "metadata"> & {
  metadata: string | null;
  payloadCut: string | null;
  responseCut: string | null;
};

/** Field by field: a replay makes a million of these, and copying objects takes longer than reading them. */
export function toReplayed(
  row: readonly unknown[],
  texts: { errorMessage: string | null; metadata: string | null } | undefined,
): LogEvent {
  return {
    id: replayed(row, "id"),
    batchId: replayed(row, "batchId"),
    timestamp: toApiTime(replayed(row, "timestamp")),
    stage: replayed(row, "stage"),
    eventType: replayed(row, "eventType"),
    fileName: replayed(row, "fileName"),
    gpuIp: replayed(row, "gpuIp"),
    status: replayed(row, "status"),
    errorMessage: texts?.errorMessage ?? null,
    totalFiles: replayed(row, "totalFiles"),
    processedFiles: replayed(row, "processedFiles"),
    metadata: texts ? (parseJson(texts.metadata) ?? null) : null,
    payloadBytes: null,
    responseBytes: null,
    attempt: replayed(row, "attempt"),
    durationMs: replayed(row, "durationMs"),
    run: replayed(row, "run"),
  };
}

export function toEvent(row: EventRow): LogEvent {
  const { payloadBytes, responseBytes, payloadCut, responseCut } = row;
  return {
    id: row.id,
    batchId: row.batchId,
    timestamp: toApiTime(row.timestamp),
    stage: row.stage,
    eventType: row.eventType,
    fileName: row.fileName,
    gpuIp: row.gpuIp,
    status: row.status,
    errorMessage: row.errorMessage,
    totalFiles: row.totalFiles,
    processedFiles: row.processedFiles,
    metadata: parseJson(row.metadata) ?? null,
    payloadBytes: toCut(payloadCut)?.bytes ?? payloadBytes,
    responseBytes: toCut(responseCut)?.bytes ?? responseBytes,
    attempt: row.attempt,
    durationMs: row.durationMs,
    run: row.run,
  };
}

export function toDetail(row: EventRow & { payload: string | null; response: string | null }): LogEventDetail {
  const { payload, response, payloadCut, responseCut } = row;
  return {
    ...toEvent(row),
    metadataText: row.metadata,
    payload,
    response,
    payloadCut: toCut(payloadCut),
    responseCut: toCut(responseCut),
  };
}

function toCut(text: string | null): Cut | null {
  return (parseJson(text) as Cut | undefined) ?? null;
}
