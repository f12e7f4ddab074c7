/** Events and a batch to build tests from. */
import type { Batch, LogEvent } from "@cofi/event-log/events";

export const BATCH: Batch = {
  id: 1,
  name: "night",
  status: "pending",
  currentStage: null,
  totalFiles: null,
  createdAt: "2026-11-20T18:00:00.000Z",
  startedAt: null,
  finishedAt: null,
};

/** An event of batch 1 and stage stt, `id` seconds after the batch was created. */
export function logEvent(id: number, fields: Partial<LogEvent>): LogEvent {
  return {
    id,
    batchId: 1,
    timestamp: new Date(Date.parse(BATCH.createdAt) + id * 1000).toISOString(),
    stage: "stt",
    eventType: "info",
    fileName: null,
    gpuIp: null,
    status: null,
    errorMessage: null,
    totalFiles: null,
    processedFiles: null,
    metadata: null,
    payloadBytes: null,
    responseBytes: null,
    attempt: null,
    durationMs: null,
    run: null,
    ...fields,
  };
}
