/** Open streams, and whose they are: one whose session has ended is closed within a second. */
import type { ServerResponse } from "node:http";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { Sessions } from "@cofi/access/sessions";
import type { Logger } from "pino";
import type { Principal } from "./principal.js";

/** How often the sessions of open streams are looked at, in ms. */
const LOOK_MS = 400;
/** Timers take no more. */
const LONGEST_MS = 2 ** 31 - 1;

export class Streams {
  readonly #sessions: Sessions;
  readonly #logger: Logger;
  /** By session; those without one under null. */
  readonly #open = new Map<number | null, Set<ServerResponse>>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(sessions: Sessions, logger: Logger) {
    this.#sessions = sessions;
    this.#logger = logger;
  }

  /** Closes the stream when its reader may read no more. */
  track({ sessionId, expiresAt }: Principal, response: ServerResponse): void {
    const own = this.#open.get(sessionId) ?? new Set();
    this.#open.set(sessionId, own.add(response));
    const expiry =
      expiresAt === null
        ? null
        : setTimeout(() => response.destroy(), Math.min(LONGEST_MS, Math.max(0, expiresAt - Date.now()))).unref();
    response.on("close", () => {
      if (expiry) clearTimeout(expiry);
      own.delete(response);
      if (own.size === 0 && this.#open.get(sessionId) === own) this.#open.delete(sessionId);
    });
    this.#schedule();
  }

  /** The session has ended; null: those who read without one have to log in. */
  end(sessionId: number | null): void {
    for (const response of this.#open.get(sessionId) ?? []) response.destroy();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#timer || this.#isClosed || this.#ids().length === 0) return;
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => {
        this.#timer = null;
        this.#schedule();
      });
    }, LOOK_MS).unref();
  }

  #ids(): number[] {
    return [...this.#open.keys()].filter((id) => id !== null);
  }

  /** A session that a stream uses is in use. While the database is away nothing comes, and the streams say so. */
  async #look(): Promise<void> {
    try {
      const asked = this.#ids();
      const living = new Set(await this.#sessions.livingAmong(asked));
      for (const id of asked) if (!living.has(id)) this.end(id);
    } catch (error) {
      const level = error instanceof DatabaseUnavailableError ? "debug" : "error";
      this.#logger[level]({ err: error }, "the sessions of open streams could not be read");
    }
  }
}
