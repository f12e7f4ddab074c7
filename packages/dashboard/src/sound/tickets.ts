/** Leave to hear one call: what a browser can send with each request for sound, after the access log has the entry. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { sharedKey } from "@cofi/access/secrets";
import type { Database } from "@cofi/event-log/database";

/** As long as somebody may listen to a call without asking again. */
const VALID_MS = 12 * 3_600_000;

interface Heard {
  /** Nobody else can use the ticket. */
  who: string;
  batchId: number;
  callId: string;
}

export class Tickets {
  readonly #database: Database;
  #key: Promise<Buffer> | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  /** `<end of its time>.<HMAC-SHA-256>`. Any dashboard of the database takes it. @throws DatabaseUnavailableError */
  async issue(heard: Heard): Promise<string> {
    const until = Date.now() + VALID_MS;
    return `${until}.${(await this.#seal(heard, until)).toString("base64url")}`;
  }

  /** @throws DatabaseUnavailableError */
  async isValid(ticket: string, heard: Heard): Promise<boolean> {
    const [, until, seal] = /^(\d{1,15})\.([\w-]{43})$/.exec(ticket) ?? [];
    if (until === undefined || seal === undefined || Number(until) < Date.now()) return false;
    return timingSafeEqual(Buffer.from(seal, "base64url"), await this.#seal(heard, Number(until)));
  }

  async #seal({ who, batchId, callId }: Heard, until: number): Promise<Buffer> {
    this.#key ??= sharedKey(this.#database, "plays").catch((error: unknown) => {
      this.#key = null;
      throw error;
    });
    const text = JSON.stringify([who, batchId, callId, until]);
    return createHmac("sha256", await this.#key)
      .update(text)
      .digest();
  }
}
