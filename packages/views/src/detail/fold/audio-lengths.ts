/** How long the audio of each file is: as its first start in one of its first stages says. No other event is asked. */
import type { LogEvent } from "@cofi/event-log/events";
import { RunOrder } from "@cofi/event-log/run-order";
import type { Store } from "@cofi/event-log/store";
import { stageIndex } from "./stage-index.js";
import { audioSeconds } from "@cofi/event-log/event-metadata";
import { GrowableArray } from "./growable-array.js";
import { StringTable } from "./string-table.js";

/** In how many stages a file is asked for before it counts as one of unknown length: its first start may come before anyone knows. */
export const MOST_ASKED = 2;
/** Bits of the number of times, below those of the stage. */
const TIMES_BITS = 2;

/** Which starts are asked, of the starts in the order of their ids. */
export class AskedStarts {
  /** By file: how often it was asked, and in which stage last: another try there says what the first one said. */
  readonly #asked = new GrowableArray(Uint8Array);

  /** `stage`: its index. */
  isToAsk(file: number, stage: number): boolean {
    const asked = this.#asked.get(file);
    const times = asked & ((1 << TIMES_BITS) - 1);
    if (times >= MOST_ASKED || asked >> TIMES_BITS === stage + 1) return false;
    this.#asked.set(file, ((stage + 1) << TIMES_BITS) | (times + 1));
    return true;
  }

  /** A start has said it: no other is asked. */
  told(file: number): void {
    this.#asked.set(file, MOST_ASKED);
  }
}

/** A replay reads no metadata but for this. */
export class AudioLengths {
  readonly #store: Store;
  readonly #files = new StringTable();
  readonly #starts = new AskedStarts();
  readonly #runs = new RunOrder();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Pages come in the order of their ids. */
  async addTo(page: readonly LogEvent[]): Promise<LogEvent[]> {
    const ids = page.filter((event) => this.#isToAsk(event)).map(({ id }) => id);
    const metadata = await this.#store.metadataOf(ids);
    return page.map((event) => {
      const found = metadata.get(event.id);
      if (found === undefined) return event;
      if (event.fileName !== null && audioSeconds(found) !== null) this.#starts.told(this.#files.add(event.fileName));
      return { ...event, metadata: found };
    });
  }

  #isToAsk({ id, run, eventType, fileName, stage }: LogEvent): boolean {
    this.#runs.note(run, id);
    if (this.#runs.isHistory(run, id)) return false;
    const index = stageIndex(stage);
    if (eventType !== "file_start" || fileName === null || index === undefined) return false;
    return this.#starts.isToAsk(this.#files.add(fileName), index);
  }
}
