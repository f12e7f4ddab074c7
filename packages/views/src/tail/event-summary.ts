import type { Json, LogEvent } from "@cofi/event-log/events";

/** Bytes of JSON; larger metadata is not for lists and streams. */
const METADATA_LIMIT = 16_384;
/** Characters of an error message. */
const MESSAGE_LIMIT = 8_192;

/**
 * The event as lists and the live feed carry it. Any writer may store metadata and messages of any size, and one such
 * event must not fill every reader's buffer. Beyond the limit metadata is replaced by `{"cut": true, "bytes": n}` and a
 * message ends with `… (n characters in all)`; the full text is at `GET /api/events/{id}`.
 */
export function eventSummary(event: LogEvent): LogEvent {
  const metadata = leanMetadata(event.metadata);
  const errorMessage = leanMessage(event.errorMessage);
  if (metadata === event.metadata && errorMessage === event.errorMessage) return event;
  return { ...event, metadata, errorMessage };
}

function leanMetadata(metadata: Json): Json {
  if (metadata === null || typeof metadata === "number" || typeof metadata === "boolean") return metadata;
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  return bytes > METADATA_LIMIT ? { cut: true, bytes } : metadata;
}

function leanMessage(message: string | null): string | null {
  if (message === null || message.length <= MESSAGE_LIMIT) return message;
  return `${message.slice(0, MESSAGE_LIMIT)}… (${message.length} characters in all)`;
}
