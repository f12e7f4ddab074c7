/** What callers hand over with an event, read with care: nothing about it is certain at run time. */
import { EVENT_STATUSES, type EventStatus, type EventType } from "../events.js";
import * as values from "./values/fields.js";

/** What callers give, whatever it is: the types above are not checked at run time. */
export interface Given {
  fileName?: unknown;
  gpuIp?: unknown;
  payload?: unknown;
  response?: unknown;
  status?: unknown;
  errorMessage?: unknown;
  error?: unknown;
  willRetry?: unknown;
  totalFiles?: unknown;
  processedFiles?: unknown;
  attempt?: unknown;
  durationMs?: unknown;
  metadata?: unknown;
}

export function statusOf(eventType: EventType, { status, willRetry }: Given): EventStatus | null {
  switch (eventType) {
    case "stage_complete":
      return EVENT_STATUSES.find((known) => known === status) ?? null;
    case "file_complete":
      return "success";
    case "error":
      return willRetry ? "processing" : "failed";
    case "info":
      return null;
    default:
      return "processing";
  }
}

/** The message of an error; null for an event that has none. */
export function errorOf(eventType: EventType, { error, errorMessage }: Given): string | null {
  if (eventType === "error") return values.messageOf(error);
  const isGiven = eventType === "stage_complete" && errorMessage !== undefined && errorMessage !== null;
  return isGiven ? values.messageOf(errorMessage) : null;
}

const GIVEN = [
  "fileName",
  "gpuIp",
  "payload",
  "response",
  "status",
  "errorMessage",
  "error",
  "willRetry",
  "totalFiles",
  "processedFiles",
  "attempt",
  "durationMs",
  "metadata",
] as const satisfies readonly (keyof Given)[];

/** A copy of what was given; what cannot be read says so. */
export function readable(details: unknown): Given {
  return Object.fromEntries(
    GIVEN.flatMap((name) => {
      try {
        const value = (details as Given)[name];
        return value === undefined ? [] : [[name, value]];
      } catch (error) {
        return [[name, `[cannot be read: ${values.messageOf(error)}]`]];
      }
    }),
  );
}
