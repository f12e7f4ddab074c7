/** What a reader has missed that comes back with the id of its last event. */
import type { Store } from "@cofi/event-log/store";
import { eventSummary } from "@cofi/views/event-summary";
import type { Tail } from "@cofi/views/tail";
import { Cache } from "../cache.js";
import type { LiveView } from "./live-view.js";
import { bareFrame, EVENTS_PER_FRAME } from "./sse-channel.js";
import { SseMessage } from "./sse-message.js";

/** Events that a returning reader gets at most. The cards say what more of them would. */
export const MOST_MISSED = 2_000;

export class MissedEvents {
  readonly #store: Store;
  readonly #tail: Tail;
  /** After a restart many readers come back with the same id. */
  readonly #counts = new Cache<number, number>({ leastMs: 1_000, times: 5, most: 100, idleMs: 10_000 });

  constructor(store: Store, tail: Tail) {
    this.#store = store;
    this.#tail = tail;
    tail.listen({ restarted: () => this.#counts.clear() });
  }

  /** How many the reader has missed when they are too many to be sent, else null. @throws DatabaseUnavailableError */
  async tooMany(batchId: number, lastEventId: number): Promise<number | null> {
    const head = this.#tail.highest;
    // There are no more events than ids.
    if (head - lastEventId <= MOST_MISSED) return null;
    const isOfNow = (then: number): boolean => then === head;
    const count = await this.#counts.of(`${batchId} ${lastEventId}`, head, isOfNow, () =>
      this.#store.countBatchEvents(batchId, lastEventId, head),
    ).value;
    return count > MOST_MISSED ? count : null;
  }

  /** The missed events, as frames. @param read repeats a query while the database is away; null ends the frames */
  async *frames(
    view: LiveView,
    lastEventId: number,
    read: <T>(query: () => Promise<T>) => Promise<T | null>,
  ): AsyncGenerator<SseMessage> {
    const head = this.#tail.highest;
    let cursor = lastEventId;
    while (cursor < head) {
      // Holes that are open now may fill below the end of this page, so the id must not claim them.
      const { lowWater } = this.#tail;
      const page = await read(() => this.#store.batchEventsAfter(view.batchId, cursor, head, EVENTS_PER_FRAME));
      if (!page || page.length === 0) return;
      cursor = page.length < EVENTS_PER_FRAME ? head : (page.at(-1)?.id ?? head);
      const { current } = view;
      const missed = page.filter(({ run, id }) => !current.runs.isHistory(run, id));
      const frame = bareFrame(current, missed.map(eventSummary));
      yield SseMessage.event("events", frame, Math.max(lastEventId, Math.min(cursor, lowWater)));
    }
  }
}
