/** The last events of one stage, merged by id: events may come twice, late and out of order. */
import { headline } from "@cofi/views/detail/cause-name";
import type { LogEvent } from "@cofi/event-log/events";

export interface Feed {
  /** Newest first, each id once. */
  readonly events: readonly LogEvent[];
  /** Distinct events received since the feed was made, including those that were pushed out. */
  readonly arrived: number;
}

export const EMPTY_FEED: Feed = { events: [], arrived: 0 };

/**
 * Adds events, in any order.
 * @param limit how many events are kept, the highest ids
 * @returns the same feed when nothing in `incoming` is new
 */
export function mergeEvents(feed: Feed, incoming: readonly LogEvent[], limit: number): Feed {
  const known = new Set(feed.events.map((event) => event.id));
  // An id below a full list may have been shown and pushed out before, so it is never counted as new.
  const floor = feed.events.length >= limit ? (feed.events.at(-1)?.id ?? 0) : -1;
  const fresh: LogEvent[] = [];
  for (const event of incoming) {
    if (event.id <= floor || known.has(event.id)) continue;
    known.add(event.id);
    fresh.push(event);
  }
  if (fresh.length === 0) return feed;
  const events = [...feed.events, ...fresh].toSorted((a, b) => b.id - a.id).slice(0, limit);
  return { events, arrived: feed.arrived + fresh.length };
}

/**
 * Replaces all events by those of a snapshot: events that are missing there have become history, or belong to a log that was
 * replaced.
 * @returns the same feed when nothing differs
 */
export function replaceEvents(feed: Feed, events: readonly LogEvent[]): Feed {
  if (JSON.stringify(feed.events) === JSON.stringify(events)) return feed;
  const lowest = feed.events.at(-1)?.id ?? 0;
  const known = new Set(feed.events.map(({ id }) => id));
  const fresh = events.filter(({ id }) => id > lowest && !known.has(id));
  return { events, arrived: feed.arrived + fresh.length };
}

/** Splits a burst by stage, keeping the order. */
export function byStage(events: readonly LogEvent[]): Map<string, LogEvent[]> {
  const stages = new Map<string, LogEvent[]>();
  for (const event of events) {
    const list = stages.get(event.stage);
    if (list) list.push(event);
    else stages.set(event.stage, [event]);
  }
  return stages;
}

/** Returns a short text for an event in a list: its error, else the message in its metadata, else nothing. */
export function shortMessage(event: LogEvent): string {
  if (event.errorMessage) return firstLine(headline(event.errorMessage));
  const { metadata } = event;
  if (metadata !== null && typeof metadata === "object" && !Array.isArray(metadata)) {
    const { message } = metadata;
    if (typeof message === "string") return firstLine(message);
  }
  if (event.eventType === "stage_progress" && event.processedFiles !== null)
    return `${event.processedFiles} of ${event.totalFiles ?? "?"} files`;
  return "";
}

function firstLine(text: string): string {
  return text.trim().split(/\r?\n/, 1)[0]?.slice(0, 300) ?? "";
}
