/**
 * Browsers in which somebody has logged in before. They are counted on their own, so that those who guess at an account elsewhere do not
 * shut out its user (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
 */
import { createHmac, randomBytes } from "node:crypto";
import { isSame, sha256 } from "@cofi/access/secrets";
import type { FastifyRequest } from "fastify";
import { readCookie, type Cookie } from "./cookies.js";

const SECONDS = 365 * 24 * 3_600;

export class Devices {
  readonly #behindTls: boolean;
  /** Of this process: after a restart a browser is counted like any other until its next log-in. */
  readonly #key = randomBytes(32);

  constructor({ behindTls }: { behindTls: boolean }) {
    this.#behindTls = behindTls;
  }

  /** Names the browser, if this account has logged in there; null otherwise. */
  of(request: FastifyRequest, account: string): string | null {
    const [id = "", proof = ""] = (readCookie(request, "device", this.#behindTls) ?? "").split(".");
    return id !== "" && isSame(proof, this.#proof(id, account)) ? id : null;
  }

  cookieFor(account: string): Cookie {
    const id = randomBytes(16).toString("base64url");
    return { name: "device", value: `${id}.${this.#proof(id, account)}`, seconds: SECONDS };
  }

  #proof(id: string, account: string): string {
    return createHmac("sha256", this.#key)
      .update(`${id} ${sha256(account)}`)
      .digest("base64url");
  }
}
