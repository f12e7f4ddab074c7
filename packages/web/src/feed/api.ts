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
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let response: Response;
  try {
    response = await fetch(path, {
      headers: { Accept: "application/json" },
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

const ATTEMPTS_SEARCHED = 100;

/**
 * Fetches the other half of an attempt: for its start the outcome, which holds the response, and for its outcome the start,
 * which holds the payload. Returns null for other events, and when there is no other half.
 */
export async function fetchCounterpart(event: LogEvent, signal: AbortSignal): Promise<LogEventDetail | null> {
  const { id, stage, fileName, eventType, batchId } = event;
  const isStart = eventType === "file_start";
  if (fileName === null || (!isStart && eventType !== "file_complete" && eventType !== "error")) return null;
  const query = new URLSearchParams({ stage, fileName, limit: String(ATTEMPTS_SEARCHED) });
  const { events } = await getJson<{ events: LogEvent[] }>(`api/batch/${batchId}/logs?${query}`, signal);
  const ofSameAttempt = events.filter((other) => other.attempt === event.attempt);
  const other = isStart
    ? ofSameAttempt.findLast((one) => one.id > id && (one.eventType === "file_complete" || one.eventType === "error"))
    : ofSameAttempt.find((one) => one.id < id && one.eventType === "file_start");
  return other ? fetchEvent(other.id, signal) : null;
}

async function logsBefore(event: LogEvent, before: number, limit: number, signal: AbortSignal): Promise<LogEvent[]> {
  const query = new URLSearchParams({ stage: event.stage, before: String(before), limit: String(limit) });
  return (await getJson<{ events: LogEvent[] }>(`api/batch/${event.batchId}/logs?${query}`, signal)).events;
}

/** Fetches the id of the previous event of the same stage; null for the first one. */
export async function fetchOlder(event: LogEvent, signal: AbortSignal): Promise<number | null> {
  const [older] = await logsBefore(event, event.id, 1, signal);
  return older?.id ?? null;
}

const NEWER_SPAN = { first: 64, most: 4_096 };
const NEWER_REQUESTS = 12;

/**
 * Fetches the id of the next event of the same stage; null for the last one, or when the next is too far away. The API only
 * pages backwards, so the function reads spans of ids above the event; a span never holds more events than ids.
 * @param listed the latest events of the stage, newest first, without a gap; empty when unknown
 */
export async function fetchNewer(
  event: LogEvent,
  listed: readonly LogEvent[],
  signal: AbortSignal,
): Promise<number | null> {
  const oldestListed = listed.at(-1)?.id ?? Infinity;
  if (event.id >= oldestListed) return listed.findLast(({ id }) => id > event.id)?.id ?? null;
  let floor = event.id;
  let span = NEWER_SPAN.first;
  for (let asked = 0; asked < NEWER_REQUESTS; asked++) {
    if (floor >= oldestListed) return oldestListed;
    const page = await logsBefore(event, floor + span + 1, span, signal);
    const newer = page.findLast(({ id }) => id > floor);
    if (newer) return newer.id;
    floor += span;
    span = Math.min(span * 2, NEWER_SPAN.most);
  }
  return null;
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

/** Whether the browser has a session that it can end. */
export async function fetchSession(signal: AbortSignal): Promise<{ loggedIn: boolean }> {
  return getJson("api/session", signal);
}

/** Exchanges the access token for a session cookie. @returns false when the token is wrong */
export async function logIn(token: string): Promise<boolean> {
  const response = await fetch("login", { method: "POST", body: new URLSearchParams({ token }), redirect: "manual" });
  if (response.type === "opaqueredirect") return true;
  if (response.status === 401) return false;
  throw await errorOf(response);
}
