import type { LogEvent } from "@cofi/event-log/events";
import { RunOrder } from "@cofi/event-log/run-order";
import type { Store } from "@cofi/event-log/store";
import { stageIndex } from "./detail.js";
import { audioSeconds } from "@cofi/event-log/event-metadata";

/** In how many stages a file is asked for before it counts as one of unknown length: its first start may come before anyone knows. */
export const MOST_ASKED = 2;

/** What was asked of one file. */
interface Asked {
  /** Where it was asked for last: another try there says what the first one said. */
  stage: string;
  times: number;
}

/**
 * A replay reads no metadata but for this: how long the audio of each file is, as its first start in one of its first
 * stages says.
 */
export class AudioLengths {
  readonly #store: Store;
  readonly #asked = new Map<string, Asked>();
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
      const asked = event.fileName === null ? undefined : this.#asked.get(event.fileName);
      if (asked && audioSeconds(found) !== null) asked.times = MOST_ASKED;
      return { ...event, metadata: found };
    });
  }

  #isToAsk({ id, run, eventType, fileName, stage }: LogEvent): boolean {
    this.#runs.note(run, id);
    if (this.#runs.isHistory(run, id)) return false;
    if (eventType !== "file_start" || fileName === null || stageIndex(stage) === undefined) return false;
    const asked = this.#asked.get(fileName);
    if (!asked) this.#asked.set(fileName, { stage, times: 1 });
    else if (asked.times >= MOST_ASKED || asked.stage === stage) return false;
    else Object.assign(asked, { stage, times: asked.times + 1 });
    return true;
  }
}
