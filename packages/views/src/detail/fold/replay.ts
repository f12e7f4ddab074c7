/** The detail of a batch at one moment, folded from the database alone: what an export says is what SQL says. */
import type { Batch, LogEvent, StageSummary } from "@cofi/event-log/events";
import { effectiveBatch, isGoingOn } from "../../batch-state.js";
import { applyEvent, emptyView, stageSummary, type BatchView } from "../../cards/projection.js";
import { STAGES } from "@cofi/event-log/stages";
import type { Store } from "@cofi/event-log/store";
import { AudioLengths } from "./audio-lengths.js";
import { applyToDetail, emptyDetail, type Detail } from "./detail.js";

const PAGE = 5_000;

/**
 * Pages of the events of a batch with an id up to `upToId`, ascending, without bodies. While one is folded the next is
 * being read. A batch of more than `firstPage` events has a first page of so many, and nothing is read ahead of it.
 * @throws DatabaseUnavailableError
 */
export async function* replayPages(
  store: Store,
  batchId: number,
  upToId: number,
  firstPage = PAGE,
): AsyncGenerator<LogEvent[]> {
  const lengths = new AudioLengths(store);
  const read = async (after: number, limit: number) => {
    const page = await store.replay(batchId, after, upToId, limit);
    return { events: await lengths.addTo(page), isLast: page.length < limit };
  };
  let { events, isLast } = await read(0, firstPage);
  if (!isLast && firstPage < PAGE) {
    yield events;
    ({ events, isLast } = await read(events.at(-1)!.id, PAGE));
  }
  while (!isLast) {
    const next = read(events.at(-1)!.id, PAGE);
    // Told where it is awaited, which is after the page has been folded.
    next.catch(() => undefined);
    yield events;
    ({ events, isLast } = await next);
  }
  yield events;
}

export interface Folded {
  current: BatchView;
  detail: Detail;
  /** The cards, in stage order. */
  summaries: StageSummary[];
}

/** Epoch ms up to which what is in flight has been in work: nothing is any more once the batch is over or silent. */
export function workedUntil(folded: Pick<Folded, "current" | "summaries">, now: number): number {
  if (isGoingOn(effectiveBatch(folded.current))) return now;
  return Math.max(...folded.summaries.map(({ lastEventAt }) => Date.parse(lastEventAt ?? "") || 0));
}

export interface FoldOptions {
  /** How many of the latest events each stage keeps; 1 when nobody looks at them. */
  eventsPerStage?: number;
  /** The whole batch, where the events are only some of its events: what its runs are cannot be told from these. */
  whole?: BatchView;
  /** Awaited between pages: SQLite answers within the same turn, and a server's other work wants its own. */
  yieldToEventLoop?: () => Promise<unknown>;
}

/** Of the events with an id up to `upToId`. @throws DatabaseUnavailableError */
export function foldDetail(store: Store, batch: Batch, upToId: number, options: FoldOptions = {}): Promise<Folded> {
  return foldPages(batch, replayPages(store, batch.id, upToId), options);
}

/** Each event once, ascending, or in any order when they are part of a `whole`. */
export async function foldPages(
  batch: Batch,
  pages: AsyncIterable<readonly LogEvent[]>,
  { eventsPerStage = 1, whole, yieldToEventLoop }: FoldOptions,
): Promise<Folded> {
  let current = emptyView(batch, eventsPerStage, whole);
  const detail = emptyDetail(current);
  for await (const page of pages) {
    for (const event of page) {
      current = applyEvent(current, event);
      applyToDetail(detail, event);
    }
    await yieldToEventLoop?.();
  }
  return { current, detail, summaries: STAGES.map(({ name }) => stageSummary(current, name)) };
}
