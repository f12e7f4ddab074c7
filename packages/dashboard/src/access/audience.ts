/**
 * Who reads this dashboard without a log-in, and how its store shows events to all readers. A dashboard of this machine alone, on which nobody
 * can log in, has one reader, its administrator, and hides nothing. Everywhere else events come without their contents.
 */
import { randomBytes } from "node:crypto";
import { DatabaseUnavailableError, type Database } from "@cofi/event-log/database";
import { CLEAR, type EventLens } from "@cofi/event-log/lens";
import { maskedEvents } from "@cofi/access/masked-events";
import { Pseudonyms } from "@cofi/access/pseudonyms";
import { sharedKey } from "@cofi/access/secrets";
import { Users } from "@cofi/access/users";
import type { Logger } from "pino";
import { isLoopback, type DashboardSettings } from "../settings.js";

/** How often it is looked whether there are users now, or whether the database has come, in ms. */
const LOOK_MS = 1_000;

export class Audience {
  readonly #database: Database;
  readonly #users: Users;
  readonly #logger: Logger;
  readonly #onChange: (() => void)[] = [];
  /** Unless there are users. */
  readonly #mayBeLocal: boolean;
  readonly #isOpen: boolean;
  /** null until the database has answered. */
  #isLocal: boolean | null = null;
  #hasKey = false;
  /** Until the key is known, under one that nobody has. */
  #lens: EventLens = maskedEvents(new Pseudonyms(randomBytes(32)));
  #timer: NodeJS.Timeout | null = null;
  #asking: Promise<void> | null = null;

  constructor(database: Database, settings: DashboardSettings, logger: Logger) {
    this.#database = database;
    this.#users = new Users(database);
    this.#logger = logger;
    const { accessToken, openId, jwt, isOpen } = settings.access;
    this.#isOpen = isOpen;
    this.#mayBeLocal =
      !settings.usersLogIn &&
      isLoopback(settings.host) &&
      accessToken === null &&
      openId === null &&
      jwt === null &&
      !isOpen;
  }

  /** What every reader of the shown store gets to see, at any moment. */
  readonly lens: EventLens = {
    event: (event) => this.#lens.event(event),
    detail: (event) => this.#lens.detail(event),
    metadata: (metadata) => this.#lens.metadata(metadata),
    name: (stored) => this.#lens.name(stored),
    text: (text) => this.#lens.text(text),
    storedName: (shown) => this.#lens.storedName(shown),
    content: (text) => this.#lens.content(text),
  };

  /** The database has not said whether there are users, so nobody knows whether this machine needs a log-in. */
  get isUnknown(): boolean {
    return this.#mayBeLocal && this.#isLocal === null;
  }

  /** `admin` for requests of this machine, `viewer` for all, or null: everybody logs in. */
  get withoutLogIn(): "admin" | "viewer" | null {
    if (this.#isLocal) return "admin";
    return this.#isOpen ? "viewer" : null;
  }

  /** `listener` is called when events are shown otherwise than before, and when others may read without a log-in. */
  listen(listener: () => void): void {
    this.#onChange.push(listener);
  }

  /** Looks at the database once; while it is away, and while somebody may still become a user, looks again until {@link close}. */
  async begin(): Promise<void> {
    await this.#look();
    this.#schedule();
  }

  /** Nothing is shown before it is known who may see it. @throws DatabaseUnavailableError while that cannot be found out */
  async settle(): Promise<void> {
    if (this.#isLocal === null) await this.#ask();
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(): void {
    if (!this.#isUnsettled) return;
    const lookAgain = async (): Promise<void> => {
      await this.#look();
      if (this.#timer) this.#schedule();
    };
    this.#timer = setTimeout(() => void lookAgain(), LOOK_MS).unref();
  }

  get #isUnsettled(): boolean {
    return this.#isLocal !== false || !this.#hasKey;
  }

  async #look(): Promise<void> {
    try {
      await this.#ask();
    } catch (error) {
      const level = error instanceof DatabaseUnavailableError ? "debug" : "error";
      this.#logger[level]({ err: error }, "who may read this dashboard could not be read from the database");
    }
  }

  /** One question at a time, however many wait for the answer. */
  async #ask(): Promise<void> {
    this.#asking ??= this.#learn().finally(() => (this.#asking = null));
    await this.#asking;
  }

  async #learn(): Promise<void> {
    const isLocal = this.#mayBeLocal && this.#isLocal !== false && !(await this.#users.exist());
    if (isLocal === this.#isLocal && (isLocal || this.#hasKey)) return;
    const lens = isLocal ? CLEAR : maskedEvents(new Pseudonyms(await sharedKey(this.#database, "pseudonyms")));
    if (this.#isLocal === true) this.#logger.warn("there are users now: this dashboard asks for a log-in from here on");
    this.#lens = lens;
    this.#hasKey = !isLocal;
    this.#isLocal = isLocal;
    for (const listener of this.#onChange) listener();
  }
}
