/**
 * Browsers in which somebody has logged in before. They are counted on their own, so that those who guess at an account elsewhere do not
 * shut out its user (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
 */
import { createHmac, randomBytes } from "node:crypto";
import { isSame, sha256, sharedKey } from "@cofi/access/secrets";
import type { Database } from "@cofi/event-log/database";
import type { FastifyRequest } from "fastify";
import { readCookie, type Cookie } from "./cookies.js";

const SECONDS = 365 * 24 * 3_600;

export class Devices {
  readonly #database: Database;
  readonly #behindTls: boolean;
  #key: Buffer | null = null;

  constructor(database: Database, { behindTls }: { behindTls: boolean }) {
    this.#database = database;
    this.#behindTls = behindTls;
  }

  /** Names the browser, if this account has logged in there; null otherwise. @throws DatabaseUnavailableError */
  async of(request: FastifyRequest, account: string): Promise<string | null> {
    const [id = "", proof = ""] = (readCookie(request, "device", this.#behindTls) ?? "").split(".");
    return id !== "" && isSame(proof, await this.#proof(id, account)) ? id : null;
  }

  /** @throws DatabaseUnavailableError */
  async cookieFor(account: string): Promise<Cookie> {
    const id = randomBytes(16).toString("base64url");
    return { name: "device", value: `${id}.${await this.#proof(id, account)}`, seconds: SECONDS };
  }

  async #proof(id: string, account: string): Promise<string> {
    this.#key ??= await sharedKey(this.#database, "devices");
    return createHmac("sha256", this.#key)
      .update(`${id} ${sha256(account)}`)
      .digest("base64url");
  }
}
