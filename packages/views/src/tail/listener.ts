/** The reports of a tail, and its listeners. */
import type { Batch, LogEvent } from "@cofi/event-log/events";
import type { TailSettings } from "./tail-settings.js";

/** Sent as SSE event `state`, and part of `GET /api/health`. */
export interface DatabaseState {
  database: "ok" | "unreachable";
  /** ISO 8601: since when it is so. */
  since: string;
  /** For people; never a password, address or statement. */
  detail: string;
}

/** Where the tail reports what an operator should know; a pino logger fits. */
export interface TailLogger {
  info(message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Called in the order of the changes; a batch comes before its events. */
export interface TailListener {
  events?(events: readonly LogEvent[]): void;
  /** Batches that are new or whose row changed. */
  batches?(batches: readonly Batch[]): void;
  state?(state: DatabaseState): void;
  /** The log was replaced, so everything reported before is void. */
  restarted?(): void;
}

export interface TailOptions extends TailSettings {
  logger: TailLogger;
  /** Awaited before each look at the database; where it rejects, the database counts as lost. */
  before?: () => Promise<void>;
}
