import type { Store } from "@cofi/event-log/store";
import { CHUNK } from "./recent-ids.js";

/**
 * Ids below the highest one at start that are looked at for holes, which may be in open transactions: at least so many, and
 * those of as long as a transaction may last, but never more than the second figure.
 */
const LOOK_BACK = { least: 2_000, most: 500_000 };
const ID_PAGE = 10_000;

export interface LogEnd {
  /** 0 when the log is empty. */
  highest: number;
  /** The ids up to it, ascending, from the first of a chunk on, and the id before them: 0 when these are all. */
  ids: number[];
  before: number;
}

/** Where a tail starts. `ask` puts each query under the caller's deadline. @throws DatabaseUnavailableError */
export async function readLogEnd(
  store: Store,
  longestTransactionMs: number,
  ask: <T>(query: Promise<T>) => Promise<T>,
): Promise<LogEnd> {
  const highest = await ask(store.maxEventId());
  const recent = await ask(store.firstIdSince(longestTransactionMs));
  const from = Math.max(0, highest - LOOK_BACK.most, (recent ?? highest) - LOOK_BACK.least);
  const first = Math.floor(from / CHUNK) * CHUNK;
  let cursor = first - 1;
  const ids: number[] = [];
  for (;;) {
    const page = await ask(store.idsAfter(cursor, ID_PAGE));
    for (const id of page) if (id <= highest) ids.push(id);
    cursor = page.at(-1) ?? highest;
    if (page.length < ID_PAGE || cursor >= highest) return { highest, ids, before: first === 0 ? 0 : (ids[0] ?? 0) };
  }
}
