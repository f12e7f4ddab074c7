import type { LogEvent } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";

/**
 * Notices when the log is replaced. A database that was dropped and created again, or restored from a backup, reuses ids,
 * so a reader that only compares ids would wait for ever, or mix two logs.
 */
export class LogIdentity {
  readonly #store: Store;
  #database: string | null = null;
  /** The newest event that was seen. */
  #mark: LogEvent | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Starts with the current log. `highest`: its highest id, 0 when it is empty. @throws DatabaseUnavailableError */
  async begin(highest: number): Promise<void> {
    const database = await this.#store.databaseId();
    const [mark = null] = await this.#store.eventsByIds([highest]);
    this.#database = database;
    this.#mark = mark;
  }

  /** An event with a higher id than all before was seen. */
  saw(event: LogEvent): void {
    this.#mark = event;
  }

  /** @throws DatabaseUnavailableError */
  async isSame(): Promise<boolean> {
    if ((await this.#store.databaseId()) !== this.#database) return false;
    const mark = this.#mark;
    if (mark === null) return true;
    const [found] = await this.#store.eventsByIds([mark.id]);
    if (found) return fingerprint(found) === fingerprint(mark);
    // Retention may have removed it: then later ones are there, or none that was older.
    return (await this.#store.maxEventId()) > mark.id;
  }
}

function fingerprint({ batchId, timestamp, stage, eventType, fileName, run }: LogEvent): string {
  return JSON.stringify([batchId, timestamp, stage, eventType, fileName, run]);
}
