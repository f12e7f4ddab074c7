import type { LogEvent } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";

/** Events that are remembered from each look for the next. */
const MARKS = 4;

/**
 * Notices when the log is another one: a database that was created again, restored from a backup, emptied or exchanged gives
 * out ids a second time, so a reader that only compares ids would wait for ever, or mix two logs.
 */
export class LogIdentity {
  readonly #store: Store;
  readonly #ask: <T>(query: Promise<T>) => Promise<T>;
  #database: string | null = null;
  /** The last events of the log at the latest look, oldest first. */
  #marks: readonly LogEvent[] = [];
  /** The first and the last events since then, which may be those of another log. */
  #fresh: readonly LogEvent[] = [];

  /** @param ask puts a query under the deadline of the tail */
  constructor(store: Store, ask: <T>(query: Promise<T>) => Promise<T>) {
    this.#store = store;
    this.#ask = ask;
  }

  /** Starts with the current log. @param ids of its last events, ascending. @throws DatabaseUnavailableError */
  async begin(ids: readonly number[]): Promise<void> {
    await this.#store.database.followExchange();
    const database = await this.#ask(this.#store.databaseId());
    const marks = await this.#ask(this.#store.eventsByIds(ids.slice(-MARKS)));
    this.#database = database;
    this.#marks = marks;
    this.#fresh = [];
  }

  /** Events with higher ids than all before were seen. */
  saw(events: readonly LogEvent[]): void {
    const fresh = [...this.#fresh, ...events];
    this.#fresh = fresh.length > 2 * MARKS ? [...fresh.slice(0, MARKS), ...fresh.slice(-MARKS)] : fresh;
  }

  /**
   * Looks at the log that is at the database's address now: the same has the events of the latest look, and those since then.
   * @throws DatabaseUnavailableError
   */
  async isSame(): Promise<boolean> {
    await this.#store.database.followExchange();
    if ((await this.#ask(this.#store.databaseId())) !== this.#database) return false;
    const marks = [...this.#marks, ...this.#fresh];
    const newest = marks.at(-1);
    if (!newest) return true;
    const events = await this.#ask(this.#store.eventsByIds(marks.map(({ id }) => id)));
    const found = new Map(events.map((event) => [event.id, event]));
    for (const mark of marks) {
      const event = found.get(mark.id);
      if (event && fingerprint(event) !== fingerprint(mark)) return false;
    }
    // Retention may have removed it: then there are later ones.
    if (!found.has(newest.id) && (await this.#ask(this.#store.maxEventId())) < newest.id) return false;
    this.#marks = marks.slice(-MARKS);
    this.#fresh = [];
    return true;
  }
}

/** What nothing changes in an event; retention removes its payload and its response. */
function fingerprint({ payloadBytes: _payload, responseBytes: _response, ...lasting }: LogEvent): string {
  return JSON.stringify(lasting);
}
