/** Access to the dashboard, put together: who asks, what they may, and what they see. */
import { AccessLog } from "@cofi/access/access-log";
import { Guesses } from "@cofi/access/guesses";
import type { LogKeeper } from "@cofi/access/log-keeper";
import { LogIns } from "@cofi/access/log-ins";
import { may } from "@cofi/access/roles";
import { Sessions } from "@cofi/access/sessions";
import { Users } from "@cofi/access/users";
import { Store } from "@cofi/event-log/store";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { ProblemError, sendProblem } from "../routes/problems.js";
import type { DashboardSettings } from "../settings.js";
import { Audience } from "./audience.js";
import { Bearer } from "./bearer.js";
import { Contents } from "./contents.js";
import { Devices } from "./devices.js";
import { isAllowedHost, isSameSite } from "./hosts.js";
import { Identity, wayOf } from "./identity.js";
import { registerLogIn, toLogIn } from "./log-in-routes.js";
import { loginPage } from "./login-page.js";
import { OpenId } from "./openid.js";
import { needOfRequest, requirePermissions } from "./permissions.js";
import { remember } from "./principal.js";
import { Streams } from "./streams.js";

export interface Access {
  /** Shows events as every reader of this dashboard may see them. */
  store: Store;
  audience: Audience;
  contents: Contents;
  sessions: Sessions;
  users: Users;
  log: AccessLog;
  identity: Identity;
  streams: Streams;
  close(): void;
}

/**
 * Finds out who reads this dashboard, as far as the database answers.
 * @param parts.store shows events as they are stored
 */
export async function createAccess(
  { store: stored, keeper }: { store: Store; keeper: LogKeeper },
  settings: DashboardSettings,
  logger: Logger,
): Promise<Access> {
  const { database } = stored;
  const audience = new Audience(database, settings, logger);
  const sessions = new Sessions(database, settings.access.sessions);
  const streams = new Streams(sessions, logger);
  const log = new AccessLog(database, keeper);
  const identity = new Identity(
    { sessions, bearer: new Bearer(settings.access), audience, guesses: new Guesses(database) },
    { behindTls: settings.behindTls, tokenWay: wayOf(settings.access.accessToken) },
  );
  // Whoever read without a log-in comes again, as somebody else or with one.
  audience.listen(() => streams.end(null));
  await audience.begin();
  return {
    store: new Store(database, audience.lens),
    audience,
    contents: new Contents(stored, log),
    sessions,
    users: new Users(database),
    log,
    identity,
    streams,
    close() {
      audience.close();
      streams.close();
    },
  };
}

/**
 * Guards every route that is registered after it, and refuses those that name no permission.
 * @param webRoot folder of the built page, whose looks the log-in form shares
 */
export function registerAccess(
  app: FastifyInstance,
  { identity, sessions, users, log, streams, store }: Access,
  settings: DashboardSettings,
  webRoot: string,
): void {
  const page = loginPage(webRoot);
  const { openId, accessToken } = settings.access;
  requirePermissions(app);

  app.addHook("onRequest", async (request, reply) => {
    if (!isAllowedHost(request.headers.host, settings))
      throw new ProblemError(
        "forbidden",
        "The Host header does not name this server. Add the name to COFI_ALLOWED_HOSTS if it is yours.",
      );
    if (!isSameSite(request, settings))
      throw new ProblemError(
        "forbidden",
        "The request comes from a page of another site, which may not change anything here.",
      );
    const need = needOfRequest(request, (path) => page.assets.has(path));
    if (need === "nothing") return undefined;
    const principal = await identity.of(request);
    if (principal) {
      remember(request, principal);
      if (may(principal.role, need)) return undefined;
      throw new ProblemError(
        "forbidden",
        `This needs the permission "${need}", which your role, ${principal.role}, does not have.`,
      );
    }
    const isPage = request.method === "GET" && /\btext\/html\b/.test(request.headers.accept ?? "");
    if (isPage) return toLogIn(request, reply);
    sendProblem(request, reply, "unauthorized", "Log in at /login, or send a token as `Authorization: Bearer …`.");
    return reply;
  });

  registerLogIn(app, {
    users,
    sessions,
    log,
    identity,
    streams,
    guesses: new Guesses(store.database),
    devices: new Devices(store.database, settings),
    openId: openId && new OpenId(openId, settings.access, new LogIns(store.database)),
    page,
    settings: settings.access,
    behindTls: settings.behindTls,
    tokenWay: wayOf(accessToken),
  });
}
