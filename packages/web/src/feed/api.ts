/** The requests of the page, except the stream. Paths are relative, so that a proxy may serve the page in a folder. */
import type { Batch, LogEvent, LogEventDetail, Problem } from "@cofi/event-log/events";

/** A failed request. `status` is 0 when the server could not be reached. */
export class ApiError extends Error {
  readonly status: number;
  /** The server is still reading the batch, so a later request will succeed. */
  readonly isReading: boolean;

  constructor(status: number, message: string, isReading = false) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.isReading = isReading;
  }
}

const PATIENCE_MS = 15_000;

/** @throws ApiError */
export function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return askJson(path, signal, { headers: { Accept: "application/json" } });
}

async function askJson<T>(path: string, signal: AbortSignal | undefined, init: RequestInit): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let response: Response;
  try {
    response = await fetch(path, {
      ...init,
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The dashboard does not answer. Is `cofi serve` running?");
  }
  if (!response.ok) throw await errorOf(response);
  return (await response.json()) as T;
}

async function errorOf(response: Response): Promise<ApiError> {
  const { status, statusText } = response;
  const problem = (await response.json().catch(() => null)) as Partial<Problem> | null;
  const text = problem?.detail ?? problem?.title ?? `The server answered ${status} ${statusText}.`;
  return new ApiError(status, text, problem?.type === "/problems/reading");
}

export interface BatchPage {
  batches: Batch[];
  nextCursor: string | null;
}

export function fetchBatches(before: string | null, signal: AbortSignal): Promise<BatchPage> {
  return getJson(`api/batches?limit=30${before === null ? "" : `&before=${before}`}`, signal);
}

export async function fetchBatch(id: number, signal?: AbortSignal): Promise<Batch> {
  return (await getJson<{ batch: Batch }>(`api/batch/${id}`, signal)).batch;
}

export function fetchEvent(id: number, signal: AbortSignal): Promise<LogEventDetail> {
  return getJson(`api/events/${id}`, signal);
}

/** Events of the same batch that come after or before one. */
async function logsFrom(
  { batchId, id }: LogEvent,
  way: "after" | "before",
  filter: Record<string, string>,
  limit: number,
  signal: AbortSignal,
): Promise<LogEvent[]> {
  const query = new URLSearchParams({ ...filter, [way]: String(id), limit: String(limit) });
  return (await getJson<{ events: LogEvent[] }>(`api/batch/${batchId}/logs?${query}`, signal)).events;
}

/** An attempt has a handful of events; those of other hosts may stand between them. */
const NEARBY = 100;

/**
 * Fetches the other half of an attempt: for its start the outcome, which holds the response, and for its outcome the start,
 * which holds the payload. Returns null for other events, and when there is no other half.
 */
export async function fetchCounterpart(event: LogEvent, signal: AbortSignal): Promise<LogEventDetail | null> {
  const { stage, fileName, eventType } = event;
  const isStart = eventType === "file_start";
  if (fileName === null || (!isStart && eventType !== "file_complete" && eventType !== "error")) return null;
  const near = await logsFrom(event, isStart ? "after" : "before", { stage, fileName }, NEARBY, signal);
  const other = near.find(
    (one) =>
      one.attempt === event.attempt &&
      (isStart ? one.eventType === "file_complete" || one.eventType === "error" : one.eventType === "file_start"),
  );
  return other ? fetchEvent(other.id, signal) : null;
}

/** Fetches the id of the previous event of the same stage; null for the first one. */
export async function fetchOlder(event: LogEvent, signal: AbortSignal): Promise<number | null> {
  const [older] = await logsFrom(event, "before", { stage: event.stage }, 1, signal);
  return older?.id ?? null;
}

/** Fetches the id of the next event of the same stage; null for the last one. */
export async function fetchNewer(event: LogEvent, signal: AbortSignal): Promise<number | null> {
  const [newer] = await logsFrom(event, "after", { stage: event.stage }, 1, signal);
  return newer?.id ?? null;
}

export interface HealthAnswer {
  database: "ok" | "unreachable";
  detail: string;
  /** ms since the server's last complete look at the database. */
  lagMs: number | null;
}

/** Also returns the answer of a server whose database is away (503). @throws when there is no such answer */
export async function fetchHealth(): Promise<HealthAnswer> {
  const response = await fetch("api/health", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok && response.status !== 503) throw await errorOf(response);
  const body = (await response.json()) as Partial<{
    database: "ok" | "unreachable";
    detail: string;
    tail: { lagMs: number | null };
  }>;
  return { database: body.database ?? "unreachable", detail: body.detail ?? "", lagMs: body.tail?.lagMs ?? null };
}

export type Permission = "progress" | "act" | "contents" | "decide" | "readAll" | "pack" | "admin";

export interface Who {
  who: string;
  role: string;
  permissions: readonly Permission[];
  /** local: on the server's machine, without a log-in · open: let in by a proxy · session · bearer */
  way: "local" | "open" | "session" | "bearer";
  /** Whether there is a session that can be ended. */
  loggedIn: boolean;
}

export async function fetchWho(signal: AbortSignal): Promise<Who> {
  return getJson("api/session", signal);
}

/** The event with its contents; the access log has the reason first. @throws ApiError */
export function revealEvent(id: number, reason: string, signal?: AbortSignal): Promise<LogEventDetail> {
  return reveal(`api/events/${id}`, reason, signal);
}

export interface SessionRow {
  id: number;
  who: string;
  role: string;
  way: string;
  createdAt: string;
  seenAt: string;
  /** Of the browser that asks. */
  isOwn: boolean;
}

export interface UserRow {
  name: string;
  role: string;
  createdAt: string;
}

/** Ends one session. @throws ApiError */
export function endSession(id: number): Promise<unknown> {
  return askJson(`api/sessions/${id}`, undefined, { method: "DELETE" });
}

/** Ends all sessions of somebody. @throws ApiError */
export function endSessionsOf(who: string): Promise<unknown> {
  return postJson("api/sessions/end", { who });
}

export interface AccessLogPage {
  entries: {
    seq: number;
    at: string;
    who: string;
    role: string;
    action: string;
    what: string;
    why: string;
    address: string;
    hash: string;
  }[];
  nextCursor: string | null;
}

/** Contents of a trade, or of a call with its transcript; the access log has the reason first. @throws ApiError */
export function reveal<T>(path: string, reason: string, signal?: AbortSignal): Promise<T> {
  return postJson(`${path}/reveal`, { reason }, signal);
}

/** @throws ApiError */
export function postJson<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
  return askJson(path, signal, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}
