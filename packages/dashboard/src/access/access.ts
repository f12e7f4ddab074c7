/**
 * Decides which requests the dashboard accepts. The `Host` header must name this server, so that a web page elsewhere cannot reach it by
 * pointing its own name at this address (DNS rebinding). With `COFI_ACCESS_TOKEN` every route but the login form and its looks
 * requires it.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ProblemError, sendProblem } from "../routes/problems.js";
import { isLoopback, type DashboardSettings } from "../settings.js";
import { LOGIN, loginPage, loginPath, nextPath } from "./login-page.js";

const COOKIE = "cofi_session";
const COOKIE_SECONDS = 30 * 24 * 3_600;
const LOGOUT = "/logout";
const LOGINS_A_MINUTE = 20;

/** @param webRoot folder of the built page, whose looks the login form shares */
export function registerAccess(app: FastifyInstance, settings: DashboardSettings, webRoot: string): void {
  app.addHook("onRequest", async (request) => {
    if (isAllowedHost(request.headers.host, settings)) return;
    throw new ProblemError(
      "forbidden",
      "The Host header does not name this server. Add the name to COFI_ALLOWED_HOSTS if it is yours.",
    );
  });
  // For the page alone: whether it offers to log out.
  app.get("/api/session", { schema: { hide: true } }, (request) => ({ loggedIn: hasSession(request, settings) }));
  const { accessToken } = settings;
  if (accessToken === null) return;
  const page = loginPage(webRoot);

  app.addHook("onRequest", async (request, reply) => {
    const { url = "" } = request.routeOptions;
    if (url === LOGIN || page.assets.has(url)) return undefined;
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (bearer !== undefined && same(bearer, accessToken)) return undefined;
    if (hasSession(request, settings)) return undefined;
    const isPage = request.method === "GET" && /\btext\/html\b/.test(request.headers.accept ?? "");
    if (isPage) return reply.header("Cache-Control", "no-store").redirect(loginPath(nextPath(request.url)), 303);
    sendProblem(
      request,
      reply,
      "unauthorized",
      "Send the access token as `Authorization: Bearer …`, or log in at /login.",
    );
    return reply;
  });

  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: 4_096 },
    async (_request: FastifyRequest, body: string) => new URLSearchParams(body),
  );
  const next = ({ query }: FastifyRequest): string => nextPath((query as { next?: unknown }).next);
  app.get(LOGIN, { schema: { hide: true } }, (request, reply) =>
    reply
      .header("Cache-Control", "no-store")
      .type("text/html; charset=utf-8")
      .send(page.html(next(request), false)),
  );
  app.post(
    LOGIN,
    { schema: { hide: true }, config: { rateLimit: { max: LOGINS_A_MINUTE, timeWindow: "1 minute" } } },
    (request, reply) => {
      const given = request.body instanceof URLSearchParams ? request.body.get("token") : null;
      reply.header("Cache-Control", "no-store");
      if (given === null || !same(given.trim(), accessToken))
        return reply
          .code(401)
          .type("text/html; charset=utf-8")
          .send(page.html(next(request), true));
      return reply
        .header("Set-Cookie", cookie(settings, sessionOf(accessToken), COOKIE_SECONDS))
        .redirect(next(request), 303);
    },
  );
  app.post(LOGOUT, { schema: { hide: true } }, (_request, reply) =>
    reply
      .header("Cache-Control", "no-store")
      .header("Set-Cookie", cookie(settings, "", 0))
      .redirect(LOGIN, 303),
  );
}

/** Whether the request comes from a browser that has logged in. */
function hasSession(request: FastifyRequest, { accessToken }: DashboardSettings): boolean {
  const given = readCookie(request);
  return accessToken !== null && given !== undefined && same(given, sessionOf(accessToken));
}

function sessionOf(accessToken: string): string {
  return createHmac("sha256", accessToken).update("cofi session").digest("base64url");
}

function cookie({ behindTls }: DashboardSettings, value: string, seconds: number): string {
  return `${COOKIE}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${behindTls ? "; Secure" : ""}`;
}

/** Compares in a time that does not depend on where the two differ, nor on their lengths. */
function same(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function readCookie(request: FastifyRequest): string | undefined {
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = pair.trim().split("=", 2);
    if (name === COOKIE) return value;
  }
  return undefined;
}

function isAllowedHost(header: string | undefined, settings: DashboardSettings): boolean {
  const name = hostName(header);
  if (name === null) return false;
  if (isLoopback(name) || name === settings.host.toLowerCase() || settings.allowedHosts.includes(name)) return true;
  // Bound to every address: a literal address is always this server's, because rebinding needs a name.
  return (settings.host === "0.0.0.0" || settings.host === "::") && isIP(name) > 0;
}

/** The host without port and brackets, lower case; null when the header is none. */
function hostName(header: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header ?? "");
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, "") ?? null;
}
