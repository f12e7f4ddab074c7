/** Finds out who asks: by the cookie of a session, by the header of a machine, or by where the dashboard is served. */
import { createHmac } from "node:crypto";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { Guesses } from "@cofi/access/guesses";
import { sha256 } from "@cofi/access/secrets";
import type { Session, Sessions } from "@cofi/access/sessions";
import type { FastifyRequest } from "fastify";
import { ProblemError } from "../routes/problems.js";
import type { Audience } from "./audience.js";
import type { Bearer } from "./bearer.js";
import { readCookie } from "./cookies.js";
import { isFromHere } from "./hosts.js";
import type { Principal } from "./principal.js";

/** How long what is known of a session is taken without a question, in ms. */
const TRUSTED_MS = 400;
const MOST_KEPT = 5_000;
/** Wrong credentials from one address before the next ones have to wait. */
const FREE_GUESSES = 20;

interface Known {
  session: Session;
  /** By `performance.now()`. */
  askedAt: number;
}

export class Identity {
  readonly #sessions: Sessions;
  readonly #bearer: Bearer;
  readonly #audience: Audience;
  readonly #guesses: Guesses;
  readonly #behindTls: boolean;
  readonly #tokenWay: string;
  /** By the hash of the secret. */
  readonly #known = new Map<string, Known>();

  constructor(
    parts: { sessions: Sessions; bearer: Bearer; audience: Audience; guesses: Guesses },
    { behindTls, tokenWay }: { behindTls: boolean; tokenWay: string },
  ) {
    this.#sessions = parts.sessions;
    this.#bearer = parts.bearer;
    this.#audience = parts.audience;
    this.#guesses = parts.guesses;
    this.#behindTls = behindTls;
    this.#tokenWay = tokenWay;
  }

  /** null: nobody that is known. @throws ProblemError when it cannot be found out now */
  async of(request: FastifyRequest): Promise<Principal | null> {
    const credential = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (credential !== undefined && this.#bearer.isConfigured) return this.#machine(credential, request.ip);
    const session = await this.sessionOf(request);
    if (session) {
      const { id, who, role, expiresAt } = session;
      return { who, role, way: "session", sessionId: id, expiresAt: Date.parse(expiresAt) };
    }
    if (this.#audience.isUnknown && isFromHere(request)) await this.#settle();
    const role = this.#audience.withoutLogIn;
    if (role === "admin" && isFromHere(request))
      return { who: "local administrator", role, way: "local", sessionId: null, expiresAt: null };
    // There is nothing to see, except that the database is away.
    if (this.#audience.isUnknown && isFromHere(request))
      return { who: "somebody here", role: "viewer", way: "open", sessionId: null, expiresAt: null };
    if (role === "viewer") return { who: "anybody", role, way: "open", sessionId: null, expiresAt: null };
    return null;
  }

  async #settle(): Promise<void> {
    try {
      await this.#audience.settle();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
    }
  }

  /**
   * The session of the browser; null when it has none. While the database is away, a session that was found before still shows what is in
   * memory; contents need the access log, and so the database.
   */
  async sessionOf(request: FastifyRequest): Promise<Session | null> {
    const secret = readCookie(request, "session", this.#behindTls);
    if (secret === undefined) return null;
    const hash = sha256(secret);
    const known = this.#known.get(hash);
    if (known && performance.now() - known.askedAt < TRUSTED_MS) return known.session;
    try {
      const found = await this.#sessions.find(secret);
      const session = found && this.#isOfOldToken(found) ? null : found;
      this.#known.delete(hash);
      if (session) this.#remember(hash, session);
      return session;
    } catch (error) {
      if (error instanceof DatabaseUnavailableError && known && Date.parse(known.session.expiresAt) > Date.now())
        return known.session;
      throw error;
    }
  }

  /** The session has ended, whatever was known of it. */
  forget(sessionId: number): void {
    for (const [hash, { session }] of this.#known) if (session.id === sessionId) this.#known.delete(hash);
  }

  /** The session of an access token ends when another one is set. */
  #isOfOldToken({ way }: Session): boolean {
    return way.startsWith(TOKEN_WAY) && way !== this.#tokenWay;
  }

  async #machine(credential: string, address: string): Promise<Principal | null> {
    // A guess is slowed down before it is looked at, or else nothing would be gained by it.
    const counted = [{ key: `bearer ${address}`, free: FREE_GUESSES }];
    if (!this.#bearer.isRemembered(credential)) {
      const waitMs = await this.#guesses.begin(counted);
      if (waitMs > 0) throw tooManyGuesses(waitMs);
      const principal = await this.#bearer.principalOf(credential);
      if (principal) await this.#guesses.succeeded(counted);
      return principal;
    }
    return this.#bearer.principalOf(credential);
  }

  #remember(hash: string, session: Session): void {
    this.#known.set(hash, { session, askedAt: performance.now() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KEPT && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** How the sessions of an access token say that they are. */
const TOKEN_WAY = "access token";

/** Another one for another token. */
export function wayOf(accessToken: string | null): string {
  if (accessToken === null) return TOKEN_WAY;
  return `${TOKEN_WAY} ${createHmac("sha256", accessToken).update("cofi session").digest("hex").slice(0, 12)}`;
}

/** Without what tells one access token from another. */
export function wayInWords(way: string): string {
  return way.startsWith(TOKEN_WAY) ? TOKEN_WAY : way;
}

export function tooManyGuesses(waitMs: number): ProblemError {
  return new ProblemError("too-many-requests", "There were too many wrong attempts. Wait, then try again.", {
    retryAfterS: Math.ceil(waitMs / 1_000),
  });
}
