/**
 * Decides which requests the dashboard accepts. The `Host` header must name this server, so that a web page elsewhere cannot reach it by
 * pointing its own name at this address (DNS rebinding). With `COFI_ACCESS_TOKEN` every route but the login form requires it.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ProblemError, sendProblem } from "../routes/problems.js";
import { isLoopback, type DashboardSettings } from "../settings.js";

const COOKIE = "cofi_session";
const COOKIE_SECONDS = 30 * 24 * 3_600;
const LOGIN = "/login";
const LOGINS_A_MINUTE = 20;

export function registerAccess(app: FastifyInstance, settings: DashboardSettings): void {
  app.addHook("onRequest", async (request) => {
    if (isAllowedHost(request.headers.host, settings)) return;
    throw new ProblemError(
      "forbidden",
      "The Host header does not name this server. Add the name to COFI_ALLOWED_HOSTS if it is yours.",
    );
  });
  const { accessToken } = settings;
  if (accessToken === null) return;
  const session = createHmac("sha256", accessToken).update("cofi session").digest("base64url");

  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.url === LOGIN) return undefined;
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (bearer !== undefined && same(bearer, accessToken)) return undefined;
    const cookie = readCookie(request);
    if (cookie !== undefined && same(cookie, session)) return undefined;
    const isPage = request.method === "GET" && /\btext\/html\b/.test(request.headers.accept ?? "");
    if (isPage) return reply.header("Cache-Control", "no-store").redirect(LOGIN, 303);
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
  app.get(LOGIN, { schema: { hide: true } }, (_request, reply) =>
    reply.header("Cache-Control", "no-store").type("text/html; charset=utf-8").send(loginPage(false)),
  );
  app.post(
    LOGIN,
    { schema: { hide: true }, config: { rateLimit: { max: LOGINS_A_MINUTE, timeWindow: "1 minute" } } },
    (request, reply) => {
      const given = request.body instanceof URLSearchParams ? request.body.get("token") : null;
      reply.header("Cache-Control", "no-store");
      if (given === null || !same(given.trim(), accessToken))
        return reply.code(401).type("text/html; charset=utf-8").send(loginPage(true));
      const secure = settings.behindTls ? "; Secure" : "";
      return reply
        .header(
          "Set-Cookie",
          `${COOKIE}=${session}; Path=/; Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Strict${secure}`,
        )
        .redirect("/", 303);
    },
  );
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

function loginPage(wrong: boolean): string {
  const message = wrong ? '<p role="alert">That is not the access token.</p>' : "";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Cofi: log in</title>
<main>
<h1>Cofi</h1>
${message}
<form method="post" action="${LOGIN}">
<p><label for="token">Access token</label></p>
<p><input id="token" name="token" type="password" autocomplete="current-password" required autofocus></p>
<p><button>Log in</button></p>
</form>
</main>
</html>
`;
}
