/** From the events of one file to its tries. Pure. */
import { skipReason } from "@cofi/event-log/detail/metadata";
import type { LogEvent } from "@cofi/event-log/events";

export interface Try {
  /** Id of its first event. */
  id: number;
  stage: string;
  attempt: number | null;
  host: string | null;
  startId: number | null;
  endId: number | null;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  outcome: "running" | "done" | "retried" | "failed" | "skipped";
  message: string | null;
}

/** `events` in any order; the tries come in the order in which they began. An end belongs to the latest open start of its stage and number. */
export function triesOf(events: readonly LogEvent[]): Try[] {
  const tries: Try[] = [];
  for (const event of events.toSorted((a, b) => a.id - b.id)) {
    const { id, stage, attempt, eventType, timestamp, gpuIp } = event;
    const fresh = {
      id,
      stage,
      attempt,
      host: gpuIp,
      startId: null,
      endId: null,
      startedAt: null,
      endedAt: null,
      durationMs: null,
      message: null,
    };
    if (eventType === "file_start") tries.push({ ...fresh, startId: id, startedAt: timestamp, outcome: "running" });
    const reason = eventType === "info" ? skipReason(event.metadata) : null;
    if (reason !== null) tries.push({ ...fresh, endId: id, endedAt: timestamp, outcome: "skipped", message: reason });
    if (eventType !== "file_complete" && eventType !== "error") continue;
    const isSame = (one: Try): boolean =>
      one.stage === stage && one.endId === null && (one.attempt === attempt || attempt === null);
    let one = tries.findLast(isSame);
    if (!one) tries.push((one = { ...fresh, outcome: "running" }));
    Object.assign(one, {
      endId: id,
      endedAt: timestamp,
      durationMs: event.durationMs,
      host: gpuIp ?? one.host,
      outcome: outcomeOf(event),
      message: event.errorMessage,
    });
  }
  return tries;
}

/**
 * How long the file waited before each of its tries, ms: since the latest end of those before it. null for the first, for
 * one that began while another ran, and where nobody logged its start.
 */
export function waitsOf(tries: readonly Try[]): (number | null)[] {
  let freeSince: number | null = null;
  const open = new Set<string>();
  return tries.map(({ stage, startedAt, endedAt }) => {
    // One without an end was given up when its stage began another; nobody knows until when it ran.
    if (open.delete(stage)) freeSince = null;
    const start = startedAt === null ? null : Date.parse(startedAt);
    const isKnown = start !== null && freeSince !== null && open.size === 0 && start >= freeSince;
    const waited = isKnown ? start - freeSince! : null;
    if (endedAt === null) open.add(stage);
    else freeSince = Math.max(freeSince ?? -Infinity, Date.parse(endedAt));
    return waited;
  });
}

function outcomeOf({ eventType, status }: LogEvent): Try["outcome"] {
  if (eventType === "file_complete") return status === "failed" ? "failed" : "done";
  return status === "processing" || status === "pending" ? "retried" : "failed";
}
