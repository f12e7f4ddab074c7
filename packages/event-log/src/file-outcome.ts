/** What an event says of its file: the one place that knows it in TypeScript; `snapshot.ts` and `overview.ts` say the same in SQL. */
import { skipReason } from "./event-metadata.js";
import type { LogEvent } from "./events.js";

/** What a file is in a stage after an event of it; `retrying`: it failed and will be tried again. */
export type FileOutcome = "inFlight" | "retrying" | "done" | "failed" | "skipped";

/** null for an event that says nothing about the state of its file. */
export function outcomeOf({
  eventType,
  status,
  metadata,
}: Pick<LogEvent, "eventType" | "status" | "metadata">): FileOutcome | null {
  switch (eventType) {
    case "file_start":
      return "inFlight";
    case "file_complete":
      return status === "failed" ? "failed" : "done";
    case "error":
      return status === "processing" || status === "pending" ? "retrying" : "failed";
    case "info":
      return skipReason(metadata) === null ? null : "skipped";
    default:
      return null;
  }
}
