import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { availableParallelism } from "node:os";
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { Guard, type EngineAccess } from "./access.js";
import { validBatchId, validFileName, validVariant } from "./file-names.js";
import { DiskFileStore } from "./file-store.js";
import { JobQueue } from "./job-queue.js";
import { ENGINES_VERSION } from "./package-version.js";
import { keptNames } from "./payload.js";
import { EngineProblem, fileTooLarge } from "./problem.js";
import type { StageEngine, Variant } from "./stage-engine.js";

/** A recording of 12 hours at 8 kHz and 16 bits has 691 MB; two channels of it fit. */
export const DEFAULT_MAX_FILE_BYTES = 2 * 1024 ** 3;
/** The transcript of a day of speech with its segments stays below this. */
const MAX_JSON_BYTES = 32 * 1024 ** 2;
/** An upload at 1 MB/s of the largest file; also ends connections that send nothing more. */
const REQUEST_TIMEOUT_MS = 35 * 60 * 1000;
const WAITING_JOBS_PER_SLOT = 64;
/** How long transfers that are under way may take when the server closes. */
const CLOSE_GRACE_MS = 30_000;
/** The router refuses longer parameters as unknown routes; names beyond 255 bytes must get 400 with the reason. */
const MAX_URL_PARAMETER_LENGTH = 16 * 1024;

export interface EngineServerOptions extends EngineAccess {
  /** The work behind `POST /v1/{stage}`; without it the server only keeps files. */
  engine?: StageEngine;
  /** The stage that `GET /health` names. Default: the engine's. */
  stage?: string;
  /** Folder for recordings; several engines on one host may share it. */
  filesDir: string;
  /** Files processed at once. Default: the number of processors. */
  concurrency?: number;
  /** Largest recording accepted, in bytes. */
  maxFileBytes?: number;
  /** A pino logger. Default: silent. */
  logger?: FastifyBaseLogger;
}

export interface EngineServer {
  /**
   * Listens and begins to load the engine; resolves with the base URL, while `GET /health` may still answer 503.
   * @throws OpenEngineError for an address beyond loopback without a token
   */
  listen(host: string, port: number): Promise<string>;
  /** Resolves when the engine is loaded; rejects with the reason when it cannot be. */
  ready(): Promise<void>;
  /** Takes no new requests, waits for those in flight, unloads the engine. */
  close(): Promise<void>;
}

/** Builds the HTTP service of docs/engines.md around one engine. */
export async function createEngineServer(options: EngineServerOptions): Promise<EngineServer> {
  const { engine } = options;
  const stage = options.stage ?? engine?.stage ?? "file_distribution";
  const concurrency = options.concurrency ?? availableParallelism();
  const files = await DiskFileStore.open(options.filesDir);
  const queue = new JobQueue(concurrency, concurrency * WAITING_JOBS_PER_SLOT);
  const loading = new Loading(engine);
  const guard = new Guard(options);

  const app = Fastify({
    ...(options.logger ? { loggerInstance: options.logger } : {}),
    bodyLimit: MAX_JSON_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_URL_PARAMETER_LENGTH },
    // A file name is a part of the URL: the ordinary log does not carry it.
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply as FastifyReply),
  });
  const connections = new Connections(app.server);
  app.removeContentTypeParser("text/plain");
  app.setErrorHandler(sendProblem);
  app.addHook("onRequest", async (request, reply) => guard.check(request, reply));
  app.setNotFoundHandler((request) => {
    throw new EngineProblem(
      404,
      "not-found",
      "No such route",
      `This engine answers GET /health, /files/{batch_id}/{file_name}${engine ? ` and POST /v1/${stage}` : ""}, not ${request.method} on this path.`,
    );
  });

  app.get("/health", (request, reply) => {
    const { state, reason } = loading;
    const status = state === "ready" ? "ok" : state;
    if (state !== "ready") reply.code(503);
    if (!guard.knows(request)) return { status };
    const more = { ready: { engine: engine?.engine ?? FILES_ONLY }, failed: { detail: reason }, loading: {} };
    return { status, stage, ...more[state] };
  });
  await app.register((scope) => addFileRoutes(scope, files, options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES));
  // Beside the other routes of files, whose bodies are bytes whatever they are said to be.
  app.post<{ Params: { batchId: string } }>("/files/:batchId/keep-only", async ({ params, body }, reply) => {
    await files.keepOnly(validBatchId(params.batchId), keptNames(body));
    return reply.code(204).send();
  });
  if (engine) {
    app.post(`/v1/${stage}`, async (request, reply) => {
      loading.assertReady();
      const started = performance.now();
      const gone = goneSignal(reply);
      const answer = await queue.run(() => engine.process(request.body, files, gone), gone);
      return { ...answer, engine: engine.engine, elapsed_ms: Math.round(performance.now() - started) };
    });
  }

  let closing: Promise<void> | undefined;
  return {
    async listen(host, port) {
      guard.listensOn(host);
      await app.listen({ host, port });
      void loading.begin();
      const address = app.server.address() as AddressInfo;
      const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
      return `http://${name}:${address.port}`;
    },
    ready: () => loading.begin(),
    close() {
      closing ??= (async () => {
        const stopped = app.close();
        await queue.close();
        await connections.end(stopped);
        await loading.settled();
        await engine?.close();
      })();
      return closing;
    },
  };
}

const FILES_ONLY = { name: "cofi-files", version: ENGINES_VERSION, model: "none" };

/** The one load of an engine, and where it stands. */
class Loading {
  state: "loading" | "ready" | "failed" = "loading";
  reason = "";
  readonly #engine: StageEngine | undefined;
  #loaded: Promise<void> | undefined;

  constructor(engine: StageEngine | undefined) {
    this.#engine = engine;
  }

  begin(): Promise<void> {
    if (this.#loaded) return this.#loaded;
    this.#loaded = this.#load();
    // The failure is reported by ready() and /health; without a listener here it would end the process.
    this.#loaded.catch(() => undefined);
    return this.#loaded;
  }

  async #load(): Promise<void> {
    try {
      await this.#engine?.load();
      this.state = "ready";
    } catch (error) {
      this.state = "failed";
      this.reason = messageOf(error);
      throw error;
    }
  }

  async settled(): Promise<void> {
    await this.#loaded?.catch(() => undefined);
  }

  assertReady(): void {
    if (this.state === "ready") return;
    const detail =
      this.state === "failed" ? `The engine could not be loaded: ${this.reason}` : "The engine is loading.";
    throw new EngineProblem(503, "loading", "The engine is not ready", detail, { retryAfterS: 1 });
  }
}

/**
 * Closes the connections of a server that is stopping. Node itself closes those that are idle at that moment: one that
 * becomes idle just afterwards, or that never asked anything, would hold it up for a minute.
 */
class Connections {
  readonly #server: Server;
  #answering = 0;

  constructor(server: Server) {
    this.#server = server;
    server.on("request", (_request, response) => {
      this.#answering++;
      response.once("close", () => this.#answering--);
    });
  }

  /** Resolves with `stopped`; transfers that are still under way after the time of grace are cut. */
  async end(stopped: Promise<unknown>): Promise<void> {
    let quiet = false;
    const sweep = setInterval(() => {
      // Only in the second quiet round, so that the last answer has left.
      if (quiet && this.#answering === 0) this.#server.closeAllConnections();
      quiet = this.#answering === 0;
    }, 20);
    const cut = setTimeout(() => this.#server.closeAllConnections(), CLOSE_GRACE_MS);
    try {
      await stopped;
    } finally {
      clearInterval(sweep);
      clearTimeout(cut);
    }
  }
}

interface FileParameters {
  batchId: string;
  fileName: string;
}

/** The recording that a request is about. Throws 400 naming the field that is wrong. */
function recordingOf({ params, query }: { params: FileParameters; query: { variant?: unknown } }): {
  batchId: number;
  fileName: string;
  variant: "original" | Variant;
} {
  const wanted = query.variant ?? "original";
  const variant = wanted === "original" ? wanted : validVariant(wanted);
  return { batchId: validBatchId(params.batchId), fileName: validFileName(params.fileName), variant };
}

function addFileRoutes(app: FastifyInstance, files: DiskFileStore, maxFileBytes: number): void {
  // A recording is a stream of bytes whatever its content type says, JSON included.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));

  app.put<{ Params: FileParameters; Querystring: { variant?: unknown } }>(
    "/files/:batchId/:fileName",
    async (request, reply) => {
      const { batchId, fileName, variant } = recordingOf(request);
      if (Number(request.headers["content-length"]) > maxFileBytes) throw fileTooLarge(maxFileBytes);
      reply.code(201);
      return variant === "original"
        ? files.put(batchId, fileName, request.raw, maxFileBytes)
        : files.putVariant(batchId, fileName, variant, request.raw, maxFileBytes);
    },
  );

  app.get<{ Params: FileParameters; Querystring: { variant?: unknown } }>(
    "/files/:batchId/:fileName",
    async (request, reply) => {
      const { batchId, fileName, variant } = recordingOf(request);
      const file = await files.openRecording(batchId, fileName, variant);
      reply.header("content-length", (await file.stat()).size);
      reply.type(variant === "original" ? "application/octet-stream" : "audio/wav");
      return reply.send(file.createReadStream());
    },
  );

  app.delete<{ Params: { batchId: string } }>("/files/:batchId", async (request, reply) => {
    await files.removeBatch(validBatchId(request.params.batchId));
    return reply.code(204).send();
  });
}

/** Aborts when the connection closes before the answer is out. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  if (reply.raw.destroyed) controller.abort();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = asProblem(error);
  // Work that was aborted because the client has left is not a failure of the engine.
  if (problem.type === "engine-failed" && !reply.raw.destroyed) request.log.error({ err: error }, "the engine failed");
  if (problem.retryAfterS !== undefined) reply.header("retry-after", problem.retryAfterS);
  const { type, title, status, detail } = problem;
  reply.code(status).type("application/problem+json").send(JSON.stringify({ type, title, status, detail }));
}

function asProblem(error: unknown): EngineProblem {
  if (error instanceof EngineProblem) return error;
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) {
    return new EngineProblem(status, "bad-request", "The request cannot be read", messageOf(error), { cause: error });
  }
  return new EngineProblem(500, "engine-failed", "The engine failed on this file", messageOf(error), { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
