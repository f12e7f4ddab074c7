/** The detail of a batch at one moment, folded from the database alone: what an export says is what SQL says. */
import type { Batch, StageSummary } from "../events.js";
import { applyEvent, emptyView, stageSummary } from "../projection.js";
import { STAGES } from "../stages.js";
import type { Store } from "../store.js";
import { AudioLengths } from "./audio-lengths.js";
import { applyToDetail, emptyDetail, type Detail } from "./detail.js";

const PAGE = 5_000;

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
  const lengths = new AudioLengths(store);
  for (let cursor = 0; ;) {
    const page = await store.replay(batch.id, cursor, upToId, PAGE);
    for (const event of await lengths.addTo(page)) {
      view = applyEvent(view, event);
      applyToDetail(detail, event);
    }
    cursor = page.at(-1)?.id ?? upToId;
    if (page.length < PAGE) return { detail, summaries: STAGES.map(({ name }) => stageSummary(view, name)) };
    await breathe();
  }
}
