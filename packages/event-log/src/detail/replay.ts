/** The detail of a batch at one moment, folded from the database alone: what an export says is what SQL says. */
import type { Batch, LogEvent, StageSummary } from "../events.js";
import { applyEvent, emptyView, stageSummary } from "../projection.js";
import { STAGES } from "../stages.js";
import type { Store } from "../store.js";
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

export interface FoldedDetail {
  detail: Detail;
  /** The cards, in stage order. */
  summaries: StageSummary[];
}

/**
 * Of the events with an id up to `upToId`. `breathe` is awaited between pages: SQLite answers within the same turn, and a
 * server's other work wants its own.
 * @throws DatabaseUnavailableError
 */
export async function foldDetail(
  store: Store,
  batch: Batch,
  upToId: number,
  breathe: () => Promise<unknown> = () => Promise.resolve(),
): Promise<FoldedDetail> {
  let view = emptyView(batch, 1);
  const detail = emptyDetail(batch);
  for await (const page of replayPages(store, batch.id, upToId)) {
    for (const event of page) {
      view = applyEvent(view, event);
      applyToDetail(detail, event);
    }
    await breathe();
  }
  return { detail, summaries: STAGES.map(({ name }) => stageSummary(view, name)) };
}
