/** A database that is down, slow, forgetful or choosy as the test says, before a real one or before a list. */
import type { EventLoggerOptions } from "@cofi/event-log/event-logger";
import type { StoredEvent } from "@cofi/event-log/spool";

type EventSink = EventLoggerOptions["store"];

interface Held {
  events: readonly StoredEvent[];
  resolve: () => void;
  reject: (error: Error) => void;
}

export class FaultyDatabase implements EventSink {
  state: "up" | "down" | "slow" = "up";
  /** Names of the files of the stored events, in order. */
  readonly names: string[] = [];
  readonly #ids = new Set<string>();
  readonly #real: EventSink | null;
  #held: Held[] = [];

  /** @param real where the events go as well */
  constructor(real: EventSink | null = null) {
    this.#real = real;
  }

  static cannotStore(fileName: string | null): boolean {
    return fileName?.startsWith("bad") ?? false;
  }

  insertEvents(events: readonly StoredEvent[]): Promise<void> {
    if (this.state === "up") return this.#store(events);
    if (this.state === "down") return Promise.reject(failure("ECONNREFUSED"));
    return new Promise((resolve, reject) => this.#held.push({ events, resolve, reject }));
  }

  /** Ends the oldest insert that is held back. `forgotten`: it is stored, and the answer is lost. */
  async answer(how: "stored" | "forgotten" | "failed"): Promise<void> {
    const held = this.#held.shift();
    if (!held) return;
    if (how === "failed") return held.reject(failure("ECONNRESET"));
    try {
      await this.#store(held.events);
      if (how === "stored") held.resolve();
      else held.reject(failure("PROTOCOL_CONNECTION_LOST"));
    } catch (error) {
      held.reject(error as Error);
    }
  }

  get held(): number {
    return this.#held.length;
  }

  /** Those before one that it cannot store may be stored. */
  async #store(events: readonly StoredEvent[]): Promise<void> {
    const bad = events.findIndex(({ fileName }) => FaultyDatabase.cannotStore(fileName));
    const good = bad === -1 ? events : events.slice(0, bad);
    if (this.#real) await this.#real.insertEvents(good);
    for (const { eventId, fileName } of good) {
      if (this.#ids.has(eventId)) continue;
      this.#ids.add(eventId);
      this.names.push(fileName ?? "");
    }
    if (bad !== -1) throw failure("ER_DATA_TOO_LONG");
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}
