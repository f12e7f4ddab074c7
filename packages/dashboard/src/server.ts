/** Puts the dashboard together: tail, views, hub, routes, page. */
import { randomUUID } from "node:crypto";
import compress from "@fastify/compress";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import type { LogKeeper } from "@cofi/access/log-keeper";
import type { Store } from "@cofi/event-log/store";
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import { validatorCompiler } from "fastify-type-provider-zod";
import type { Logger } from "pino";
import { createAccess, registerAccess, type Access } from "./access/access.js";
import { registerDocs } from "./routes/docs.js";
import { Health } from "./routes/health.js";
import { LiveViews } from "./feed/live-views.js";
import { registerPage } from "./routes/page.js";
import { ProblemError, rawProblem, registerProblems, sendProblem } from "./routes/problems.js";
import type { PackTools } from "./routes/pack-routes.js";
import { registerRoutes } from "./routes/routes.js";
import type { DashboardSettings } from "./settings.js";
import type { SoundPlaces } from "./sound/places.js";
import { SseHub } from "./feed/sse-hub.js";
import { Tail } from "@cofi/views/tail";

export interface DashboardOptions {
  /** With everything as it is stored. The dashboard does not close it. */
  store: Store;
  settings: DashboardSettings;
  /** Folder of the built page, absolute. */
  webRoot: string;
  logger: Logger;
  /** Of the access log. */
  keeper: LogKeeper;
  sound: SoundPlaces;
  packs: PackTools;
  /** Throws `MigrationError` while the schema is behind: for the health route. */
  assertMigrated?: () => Promise<void>;
}

export interface Dashboard {
  /**
   * Starts to listen and to read the database; waits for a database that is away.
   * @returns the address to open in a browser
   * @throws ListenError when the dashboard cannot listen on the address or port
   */
  listen(): Promise<{ url: string }>;
  /** Closes the streams, answers requests in progress, stops reading. Idempotent. */
  close(): Promise<void>;
}

/** The dashboard cannot listen; the message names the address and the remedy. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

export async function createDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { settings, logger } = options;
  const access = await createAccess(options, settings, logger);
  const { store } = access;
  const tail = new Tail(store, { ...settings, logger, before: () => access.audience.settle() });
  const views = new LiveViews(store, tail, {
    eventsPerStage: settings.eventsPerStage,
    idleMs: settings.viewIdleMs,
    logger,
  });
  const hub = new SseHub(store, tail, views, { ...settings, bufferBytes: settings.streamBufferBytes, logger });
  // While the database is away the tail says so itself, and reads everything when it is back.
  access.audience.listen(() => void tail.readAnew().catch(() => undefined));
  const health = new Health({ store, tail, views, hub }, options.assertMigrated);

  const app = newApp(settings, logger);
  registerProblems(app);
  await registerProtection(app, access, settings, options.webRoot);
  await registerDocs(app);
  registerRoutes(app, {
    store,
    tail,
    views,
    hub,
    health,
    settings,
    access,
    sound: options.sound,
    packs: options.packs,
  });
  /** Opens the view ahead of the viewer's request; null: the newest batch. The viewer's own request reports a failure. */
  const openAhead = async (batchId: number | null): Promise<void> => {
    await tail.refresh();
    const opened = batchId ?? tail.newestBatch?.id;
    if (opened !== undefined) await views.open(opened);
  };
  await registerPage(app, options.webRoot, (batchId) => void openAhead(batchId).catch(() => undefined));

  let closing: Promise<void> | null = null;
  return {
    async listen() {
      try {
        await app.listen({ host: settings.host, port: settings.port });
      } catch (error) {
        throw listenError(error, settings);
      }
      tail.start();
      // After a restart all pages come back at once, and a large batch takes a while to read.
      void openAhead(null).catch(() => undefined);
      return { url: browserUrl(app, settings) };
    },
    close() {
      closing ??= (async () => {
        hub.close();
        access.close();
        await app.close();
        views.close();
        await tail.stop();
      })();
      return closing;
    },
  };
}

function newApp(settings: DashboardSettings, logger: Logger): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // A line for each request would hide the lines that matter, and query texts can hold file names.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: settings.trustedProxies.length > 0 ? [...settings.trustedProxies] : false,
    bodyLimit: 16_384,
    genReqId: () => randomUUID(),
    // The limit for a request to arrive; an open stream is a response and has none.
    requestTimeout: 30_000,
    handlerTimeout: settings.requestTimeoutMs,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1_000 },
    frameworkErrors: (error, request, reply) => {
      const detail = error.code === "FST_ERR_BAD_URL" ? "The path is not a valid URL." : "The request is malformed.";
      sendProblem(request, reply, "bad-request", detail);
    },
    clientErrorHandler(error, socket) {
      if (!socket.writable) return;
      const tooLarge = (error as NodeJS.ErrnoException).code === "HPE_HEADER_OVERFLOW";
      socket.end(
        tooLarge
          ? rawProblem("too-large", "The request's headers are too large.")
          : rawProblem("bad-request", "The request is not valid HTTP."),
      );
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  // The compiler checks the types and the tests check the shapes, so rows are not checked again at run time.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  return app as unknown as FastifyInstance;
}

async function registerProtection(
  app: FastifyInstance,
  access: Access,
  settings: DashboardSettings,
  webRoot: string,
): Promise<void> {
  app.addHook("onRequest", async (request, reply) => {
    // Payloads hold what clients said on the phone, so no cache may keep them.
    if (request.url.startsWith("/api")) reply.header("Cache-Control", "no-store");
  });
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        workerSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", "data:"],
        fontSrc: ["'self'"],
        mediaSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Both headers would lock browsers out of a network without HTTPS.
    hsts: settings.behindTls,
    crossOriginOpenerPolicy: settings.behindTls,
    originAgentCluster: settings.behindTls,
    frameguard: { action: "deny" },
    // Other sites hear nothing. This one does: under "no-referrer" browsers without Sec-Fetch-Site would not say whose form they send.
    referrerPolicy: { policy: "same-origin" },
  });
  await app.register(rateLimit, {
    max: settings.rateLimit,
    timeWindow: "1 minute",
    errorResponseBuilder: (_request, { after }) =>
      new ProblemError("too-many-requests", `Too many requests from this address: retry in ${after}.`),
  });
  await app.register(compress, { global: true, threshold: 1_024, encodings: ["br", "gzip"] });
  registerAccess(app, access, settings, webRoot);
}

function browserUrl(app: FastifyInstance, settings: DashboardSettings): string {
  const address = app.server.address();
  const port = typeof address === "object" && address ? address.port : settings.port;
  const everywhere = settings.host === "0.0.0.0" || settings.host === "::";
  const host = everywhere || settings.host === "127.0.0.1" ? "localhost" : settings.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function listenError(error: unknown, settings: DashboardSettings): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const { host, port } = settings;
  const because = { cause: error };
  if (code === "EADDRINUSE")
    return new ListenError(
      `Port ${port} on ${host} is in use by another program. Stop that program, or set COFI_PORT to a free port (0 lets the system choose).`,
      because,
    );
  if (code === "EACCES")
    return new ListenError(`This user may not listen on port ${port}. Set COFI_PORT to one above 1023.`, because);
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new ListenError(
      `${host} is not an address of this machine. Set COFI_HOST to one of its addresses, or to 127.0.0.1.`,
      because,
    );
  return error;
}
