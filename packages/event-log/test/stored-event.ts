import type { StoredEvent } from "@cofi/event-log/spool";

/** An event as a spool and the database take it. */
export function storedEvent(fields: Partial<StoredEvent>): StoredEvent {
  return {
    batchId: 1,
    timestamp: "2026-11-23 02:15:00.000",
    stage: "stt",
    eventType: "info",
    fileName: null,
    gpuIp: null,
    payload: null,
    response: null,
    status: null,
    errorMessage: null,
    totalFiles: null,
    processedFiles: null,
    metadata: null,
    eventId: "event",
    attempt: null,
    durationMs: null,
    payloadCut: null,
    responseCut: null,
    run: null,
    ...fields,
  };
}
