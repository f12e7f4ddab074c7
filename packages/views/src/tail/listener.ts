/** What a tail reports, and to whom. */
import type { Batch, LogEvent } from "@cofi/event-log/events";

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

/** Called in the order of what happened; batches come before the events that belong to them. */
export interface TailListener {
  events?(events: readonly LogEvent[]): void;
  /** Batches that are new or whose row changed. */
  batches?(batches: readonly Batch[]): void;
  state?(state: DatabaseState): void;
  /** The log is another one: everything that was said before is void. */
  restarted?(): void;
}

export interface TailOptions {
  /** ms between polls while events come. */
  pollMs: number;
  /** ms between polls when nothing comes; also how often the batches are looked at. */
  idlePollMs: number;
  /** ms after which a missing id is taken as never to come. */
  longestTransactionMs: number;
  /** ms after which a query without an answer counts as a lost database. */
  queryTimeoutMs: number;
  logger: TailLogger;
}
