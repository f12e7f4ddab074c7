/** The routes by which users log in and out. */
import type { AccessLog } from "@cofi/access/access-log";
import type { Action } from "@cofi/access/log-entries";
import type { Counted, Guesses } from "@cofi/access/guesses";
import type { Role } from "@cofi/access/roles";
import { isSame } from "@cofi/access/secrets";
import type { Sessions } from "@cofi/access/sessions";
import type { Users } from "@cofi/access/users";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import pLimit from "p-limit";
import { sendProblem } from "../routes/problems.js";
import { readCookie, setCookie, type Cookie } from "./cookies.js";
import type { Devices } from "./devices.js";
import { tooManyGuesses, wayInWords, type Identity } from "./identity.js";
import { LOGIN, loginPath, nextPath, type LoginPage, type Ways } from "./login-page.js";
import { CALLBACK, LogInRefused, type OpenId } from "./openid.js";
import type { AccessSettings } from "./settings.js";
import type { Streams } from "./streams.js";

export interface LogInParts {
  users: Users;
  sessions: Sessions;
  log: AccessLog;
  identity: Identity;
  guesses: Guesses;
  devices: Devices;
  streams: Streams;
  openId: OpenId | null;
  page: LoginPage;
  settings: AccessSettings;
  behindTls: boolean;
  /** Names the access token in force, so that its sessions end with it. */
  tokenWay: string;
}

/** How long a browser may take at the provider, in seconds. */
const OPEN_ID_SECONDS = 600;
/** Passwords are hashed one after the other, each in 128 MiB; who comes when so many wait is asked to come back. */
const MOST_WAITING = 20;
/** Guesses that may fail before the next ones have to wait: of one account from one address; from one address; of one account. */
const FREE = { pair: 5, address: 50, account: 100 } as const;
/** Who gives a name that no user has. */
const UNKNOWN = "somebody unknown";
const HIDDEN = { schema: { hide: true } } as const;

interface Given {
  /** As the access log names who wants to log in. */
  who: string;
  role: Role | null;
  way: string;
  wrong: string;
}

export function registerLogIn(app: FastifyInstance, parts: LogInParts): void {
  const { users, sessions, log, identity, guesses, devices, streams, openId, page, settings, behindTls } = parts;
  const hashing = pLimit(1);

  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: 4_096 },
    async (_request: FastifyRequest, body: string) => new URLSearchParams(body),
  );

  const next = ({ query }: FastifyRequest): string => nextPath((query as { next?: unknown }).next);
  const cookie = (one: Cookie): string => setCookie(one, behindTls);

  const ways = async (): Promise<Ways> => {
    const others = { token: settings.accessToken !== null, openId: openId !== null };
    try {
      return { ...others, password: await users.exist() };
    } catch (error) {
      // The form says so when it is sent.
      if (error instanceof DatabaseUnavailableError) return { ...others, password: true };
      throw error;
    }
  };

  const show = async (request: FastifyRequest, reply: FastifyReply, status = 200, problem: string | null = null) =>
    reply
      .code(status)
      .header("Cache-Control", "no-store")
      .type("text/html; charset=utf-8")
      .send(page.html(next(request), await ways(), problem));

  const note = (
    request: FastifyRequest,
    action: Action,
    { who, role, what }: { who: string; role: string; what: string },
  ) => log.add({ action, who, role, what, why: "", batchId: null, address: request.ip, request: request.id });

  /** A session of its own for each log-in: one that somebody has put into the browser gains nothing. */
  const begin = async (request: FastifyRequest, one: { who: string; role: Role; way: string }): Promise<string> => {
    const before = await identity.sessionOf(request);
    if (before) await endSession(before.id);
    await note(request, "log-in", { ...one, what: wayInWords(one.way) });
    const value = await sessions.begin(one);
    return cookie({ name: "session", value, seconds: Math.floor(settings.sessions.longestMs / 1_000) });
  };

  const endSession = async (id: number): Promise<void> => {
    await sessions.end(id);
    identity.forget(id);
    streams.end(id);
  };

  app.get(LOGIN, HIDDEN, (request, reply) => show(request, reply));

  app.post(LOGIN, HIDDEN, async (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const [name, password, token] = [form.get("user"), form.get("password"), form.get("token")] as const;
    const account = token === null ? (name ?? "").normalize("NFC").slice(0, 101) : "access token";
    const device = await devices.of(request, account);
    const counted: Counted[] = device
      ? [{ key: `device ${device}`, free: FREE.pair }]
      : [
          { key: `pair ${request.ip} ${account}`, free: FREE.pair },
          { key: `address ${request.ip}`, free: FREE.address },
          { key: `account ${account}`, free: FREE.account },
        ];
    const waitMs = hashing.pendingCount >= MOST_WAITING ? 1_000 : await guesses.begin(counted);
    if (waitMs > 0) {
      const { message, retryAfterS } = tooManyGuesses(waitMs);
      return show(request, reply.header("Retry-After", String(retryAfterS)), 429, message);
    }
    const given: Given =
      token === null
        ? {
            who: account,
            role: await hashing(() => users.roleOf(account, password ?? "")),
            way: "password",
            wrong: "The user or the password is not right.",
          }
        : {
            who: account,
            role: settings.accessToken !== null && isSame(token.trim(), settings.accessToken) ? "viewer" : null,
            way: parts.tokenWay,
            wrong: "That is not the access token.",
          };
    const { who, role, way, wrong } = given;
    if (role === null) {
      // Whoever types a password into the wrong field must not find it in the log.
      const isKnown = token !== null || (await users.has(account));
      await note(request, "log-in-refused", { who: isKnown ? who : UNKNOWN, role: "", what: wayInWords(way) });
      return show(request, reply, 401, wrong);
    }
    await guesses.succeeded(counted, counted[0]?.key);
    return reply
      .header("Cache-Control", "no-store")
      .header("Set-Cookie", [await begin(request, { who, role, way }), cookie(await devices.cookieFor(account))])
      .redirect(next(request), 303);
  });

  app.post("/logout", HIDDEN, async (request, reply) => {
    const session = await identity.sessionOf(request);
    if (session) {
      await endSession(session.id);
      await note(request, "log-out", { who: session.who, role: session.role, what: wayInWords(session.way) });
    }
    return reply
      .header("Cache-Control", "no-store")
      .header("Set-Cookie", cookie({ name: "session", value: "", seconds: 0 }))
      .redirect(session?.way === "openid" ? "/logged-out" : LOGIN, 303);
  });

  app.get("/logged-out", HIDDEN, async (_request, reply) => {
    const url = (await openId?.logOutUrl()) ?? null;
    if (url === null) return reply.redirect(LOGIN, 303);
    // A page, because browsers hold a form to this server also where an answer to it leads elsewhere.
    return reply.header("Cache-Control", "no-store").type("text/html; charset=utf-8").send(page.loggedOut(url));
  });

  app.get("/login/openid", HIDDEN, async (request, reply) => {
    if (!openId) return sendProblem(request, reply, "not-found", "No OpenID provider is configured.");
    const { url, secret } = await openId.begin(next(request));
    return reply
      .header("Cache-Control", "no-store")
      .header("Set-Cookie", cookie({ name: "log-in", value: secret, seconds: OPEN_ID_SECONDS }))
      .redirect(url, 303);
  });

  app.get(CALLBACK, HIDDEN, async (request, reply) => {
    if (!openId) return sendProblem(request, reply, "not-found", "No OpenID provider is configured.");
    const over = cookie({ name: "log-in", value: "", seconds: 0 });
    try {
      const query = new URL(request.url, "http://here.invalid").search;
      const { next: target, ...one } = await openId.finish(query, readCookie(request, "log-in", behindTls));
      const begun = await begin(request, { ...one, way: "openid" });
      return await reply.header("Cache-Control", "no-store").header("Set-Cookie", [begun, over]).redirect(target, 303);
    } catch (error) {
      if (!(error instanceof LogInRefused)) throw error;
      request.log.warn({ err: error.cause ?? error }, "a log-in at the OpenID provider was refused");
      await note(request, "log-in-refused", { who: error.who, role: "", what: "openid" });
      return show(request, reply.header("Set-Cookie", over), 401, error.message);
    }
  });
}

/** Where a browser without a session is led: to the form, and from there back. */
export function toLogIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.header("Cache-Control", "no-store").redirect(loginPath(nextPath(request.url)), 303);
}
