/** HTTP to the engines: uploads, requests, and what their errors mean. */
import { createHash, type Hash } from "node:crypto";
import { Readable } from "node:stream";
import { z } from "zod";
import type { Json } from "@cofi/event-log/events";
import type { JsonText } from "@cofi/event-log/json-text";
import { uploadResponse } from "./engine-contract.js";
import { EngineError, type Fault } from "./engine-error.js";
import { contentOf, partsOf } from "./file-content.js";
import { HttpClient, type HttpRequest, type Reply } from "./http-client.js";

/** One engine as a client sees it. `url` may change when the engine is started again. */
export interface EngineAddress {
  /** Host name or address, as logged in `gpuIp`. */
  readonly name: string;
  url: string;
  /** Sent with every request, where the engine asks for one. */
  readonly token?: string | undefined;
}

/** An answer, and the response that it was read from, as it came: for the log. */
export interface Answered<T> {
  answer: T;
  response: JsonText;
}

export type Uploaded = z.infer<typeof uploadResponse>;

type EngineRequest = Omit<HttpRequest, "host" | "url" | "secret">;

const problem = z.looseObject({ type: z.string(), title: z.string().optional(), detail: z.string().optional() });

/** Keeps one pool of connections a host. */
export class EngineClient {
  readonly #http: HttpClient;

  /** `requestTimeoutMs`: the longest time that one request may take, from its first byte sent to the last received. */
  constructor(requestTimeoutMs: number) {
    this.#http = new HttpClient(requestTimeoutMs);
  }

  /** Resolves when the engine says that it can work, and would for this client. @throws EngineError otherwise */
  async health(engine: EngineAddress, signal: AbortSignal): Promise<void> {
    const { status, body, asksForToken } = await this.#call(engine, "/health", { method: "GET", signal });
    if (asksForToken && engine.token === undefined)
      throw new EngineError(
        `${engine.name} asks for a token, and none is set. Set COFI_ENGINE_TOKEN of the pipeline to that of the engine.`,
        { status, type: "unauthorized", fault: "host", response: body },
      );
  }

  /**
   * Puts a recording on the engine's host. `sha256`: of the recording, where it is known by now, in lower-case hex.
   * @throws EngineError, also when what arrived there is not what was sent
   */
  async upload(
    engine: EngineAddress,
    batchId: number,
    fileName: string,
    path: string,
    signal: AbortSignal,
    sha256: string | null = null,
  ): Promise<Answered<Uploaded>> {
    const content = await contentOf(path);
    const route = routeOf(batchId, fileName);
    if (typeof content !== "number") return this.#put(engine, route, content, content.length, signal, sha256);
    return this.#put(engine, route, () => partsOf(path, content), content, signal, sha256);
  }

  /**
   * Copies the denoised audio of a recording, whose original lies on both, from one engine's host to another's.
   * @throws EngineError; its `host` is the URL of `to` where that one is to blame
   */
  async copyDenoised(
    from: EngineAddress,
    to: EngineAddress,
    batchId: number,
    fileName: string,
    signal: AbortSignal,
  ): Promise<Answered<Uploaded>> {
    const route = `${routeOf(batchId, fileName)}?variant=denoised`;
    // Ends the download, too, when nobody reads it to its end.
    const ending = new AbortController();
    const reading = AbortSignal.any([signal, ending.signal]);
    let broken: unknown = null;
    try {
      const found = await this.#http.download(requestTo(from, route, { method: "GET", signal: reading }));
      if ("json" in found) throw problemError(from, found);
      const content = async function* (): AsyncGenerator<Buffer> {
        try {
          yield* found.body;
        } catch (error) {
          broken = error;
          throw error;
        }
      };
      return await this.#put(to, route, content, found.bytes, signal).catch((error: unknown) => {
        throw broken === null && error instanceof EngineError ? error.of(to.url) : (broken ?? error);
      });
    } finally {
      ending.abort();
    }
  }

  /** Reads a recording from the engine's host while it comes. @throws EngineError, also while it is read */
  async *download(
    engine: EngineAddress,
    batchId: number,
    fileName: string,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const ending = new AbortController();
    const reading = AbortSignal.any([signal, ending.signal]);
    try {
      const route = routeOf(batchId, fileName);
      const found = await this.#http.download(requestTo(engine, route, { method: "GET", signal: reading }));
      if ("json" in found) throw problemError(engine, found);
      yield* found.body;
    } finally {
      // Also when nobody reads it to its end.
      ending.abort();
    }
  }

  async #put(
    engine: EngineAddress,
    route: string,
    content: Buffer | (() => AsyncIterable<Buffer>),
    bytes: number | null,
    signal: AbortSignal,
    sha256: string | null = null,
  ): Promise<Answered<Uploaded>> {
    const hash = sha256 === null ? createHash("sha256") : null;
    const isWhole = typeof content !== "function";
    if (isWhole) hash?.update(content);
    const reply = await this.#call(engine, route, {
      method: "PUT",
      headers: {
        "content-type": "application/octet-stream",
        ...(bytes !== null && { "content-length": String(bytes) }),
      },
      body: isWhole ? content : Readable.from(hashed(content, hash)),
      signal,
    });
    const stored = checked(engine, uploadResponse, reply.json, reply.body);
    if (stored.sha256.toLowerCase() !== (hash?.digest("hex") ?? sha256))
      throw new EngineError(`${engine.name} stored something else than was to be sent: the SHA-256 differs.`, {
        status: reply.status,
        type: "damaged-upload",
        fault: "host",
        response: reply.body,
      });
    return { answer: stored, response: reply.body };
  }

  /** Asks the engine of `stage` about one file. @throws EngineError, also when the answer does not fit `schema` */
  async process<T>(
    engine: EngineAddress,
    stage: string,
    payload: Json,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<Answered<T>> {
    const reply = await this.#call(engine, `/v1/${stage}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(payload),
      signal,
    });
    return { answer: checked(engine, schema, reply.json, reply.body), response: reply.body };
  }

  /**
   * Removes the recordings of a batch from the engine's host, with what was derived from them, but for those of these names. Two routes: an
   * engine that does not know the one which keeps some must remove none.
   * @throws EngineError
   */
  async removeFiles(
    engine: EngineAddress,
    batchId: number,
    signal: AbortSignal,
    keep: readonly string[] = [],
  ): Promise<void> {
    const request: HttpRequest =
      keep.length === 0
        ? requestTo(engine, `/files/${batchId}`, { method: "DELETE", signal })
        : requestTo(engine, `/files/${batchId}/keep-only`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ file_names: keep }),
            signal,
          });
    const reply = await this.#http.send(request);
    if (reply.status < 200 || reply.status >= 300) throw problemError(engine, reply, "to remove files");
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #call(engine: EngineAddress, path: string, options: EngineRequest): Promise<Reply> {
    const reply = await this.#http.send(requestTo(engine, path, options));
    const { status, json } = reply;
    if (status < 200 || status >= 300) throw problemError(engine, reply);
    if (json === undefined) throw invalidJson(engine.name, reply);
    return reply;
  }
}

/** With the engine's token, which is not kept from what comes back. */
function requestTo({ name, url, token }: EngineAddress, path: string, options: EngineRequest): HttpRequest {
  const { headers, ...rest } = options;
  const authorized = token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
  return { host: name, url: url + path, secret: token, ...rest, ...(authorized && { headers: authorized }) };
}

function routeOf(batchId: number, fileName: string): string {
  return `/files/${batchId}/${encodeURIComponent(fileName)}`;
}

/** Opened when it is read: a file that nobody reads stays open, and what goes wrong with it is heard by nobody. */
async function* hashed(content: () => AsyncIterable<Buffer>, hash: Hash | null): AsyncGenerator<Buffer> {
  for await (const chunk of content()) {
    hash?.update(chunk);
    yield chunk;
  }
}

export function invalidJson(host: string, { status, body }: Reply): EngineError {
  return new EngineError(`${host} returned ${status} with invalid JSON.`, {
    status,
    type: "no-json",
    fault: "host",
    response: body,
  });
}

/**
 * Checks what a host answered against the contract. What violates it is the answer of another program, or of one that is
 * broken: the fault is the host's. The error keeps `response`, the answer as it came.
 */
export function checked<T>(
  { name }: Pick<EngineAddress, "name">,
  schema: z.ZodType<T>,
  answer: unknown,
  response: JsonText,
): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new EngineError(
    `${name} returned a response that violates the engine contract: ${issue?.path.join(".") || "the response"}: ${issue?.message}.`,
    { status: 200, type: "contract-violated", fault: "host", response },
  );
}

function problemError(
  engine: EngineAddress,
  { status, json, body, retryAfterMs }: Reply,
  what = "the file",
): EngineError {
  const parsed = problem.safeParse(json);
  const type = parsed.success ? parsed.data.type : `http-${status}`;
  const detail = parsed.success ? (parsed.data.detail ?? parsed.data.title ?? type) : `HTTP ${status}`;
  return new EngineError(`${engine.name} refused ${what}: ${detail.replace(/\.$/, "")} (${status} ${type}).`, {
    status,
    type,
    fault: parsed.success ? faultOfProblem(status, type, retryAfterMs) : faultOfStatus(status, retryAfterMs),
    retryAfterMs,
    response: body,
  });
}

/** What the contract has for "never with this file"; a problem of the engine's own with one of these is taken as that. */
const ABOUT_THE_FILE = new Set([400, 413, 415, 422]);
/** With 404, which any web server gives for an address that it does not know. */
const MISSING = new Set(["file-missing", "variant-missing"]);
const BUSY = new Set(["engine-busy", "loading"]);

/** Of a refusal that is a problem document. */
function faultOfProblem(status: number, type: string, retryAfterMs: number): Fault {
  if (ABOUT_THE_FILE.has(status) || (status === 404 && MISSING.has(type))) return "file";
  if (status === 503 && BUSY.has(type)) return "busy";
  return faultOfStatus(status, retryAfterMs);
}

/** Of any other refusal: a proxy, or another program at the engine's address, knows nothing about the file. */
function faultOfStatus(status: number, retryAfterMs: number): Fault {
  return status === 429 || (status === 503 && retryAfterMs > 0) ? "busy" : "host";
}
