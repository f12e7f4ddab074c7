import type { LogEvent } from "../events.js";
import type { Store } from "../store.js";

/** How often a file is asked for before it counts as one of unknown length: its first start may come before anyone knows. */
const MOST_ASKED = 2;

/** A replay reads no metadata but for this: how long the audio of each file is, as one of its first starts says. */
export class AudioLengths {
  readonly #store: Store;
  readonly #asked = new Map<string, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  async addTo(page: readonly LogEvent[]): Promise<LogEvent[]> {
    const ids = page.flatMap(({ id, eventType, fileName }) => {
      const asked = fileName === null ? MOST_ASKED : (this.#asked.get(fileName) ?? 0);
      if (eventType !== "file_start" || asked >= MOST_ASKED) return [];
      this.#asked.set(fileName ?? "", asked + 1);
      return [id];
    });
    const metadata = await this.#store.metadataOf(ids);
    return page.map((event) => {
      const found = metadata.get(event.id);
      if (found === undefined) return event;
      if (event.fileName !== null) this.#asked.set(event.fileName, MOST_ASKED);
      return { ...event, metadata: found };
    });
  }
}
