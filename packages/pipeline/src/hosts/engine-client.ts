/** HTTP to the engines: uploads, requests, and what their errors mean. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { Agent, request, type Dispatcher } from "undici";
import { z } from "zod";
import { uploadResponse } from "./engine-contract.js";

export interface EngineErrorInit {
  /** HTTP status; null when there was no answer. */
  status: number | null;
  /** `type` of the problem document, or a word for what went wrong below HTTP. */
  type: string;
  retryable: boolean;
  /** How long the engine asks to be left alone (`Retry-After`), in milliseconds. */
  retryAfterMs?: number | undefined;
  /** What the engine answered, for the log. */
  response?: unknown;
  cause?: unknown;
}

/** An engine could not do its work on a file. The message names host and cause. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly status: number | null;
  readonly type: string;
  readonly retryable: boolean;
  /** 0 when the engine did not say. */
  readonly retryAfterMs: number;
  readonly response: unknown;

  constructor(message: string, { status, type, retryable, retryAfterMs, response, cause }: EngineErrorInit) {
    super(message, { cause });
    this.status = status;
    this.type = type;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs ?? 0;
    this.response = response;
  }
}

/** One engine as a client sees it. `url` may change when the engine is started again. */
export interface EngineAddress {
  /** Host name or address, as logged in `gpuIp`. */
  readonly name: string;
  url: string;
}

const problem = z.looseObject({ type: z.string(), title: z.string().optional(), detail: z.string().optional() });

const CONNECT_TIMEOUT_MS = 10_000;
/** An answer beyond this is refused: no engine has that much to say about one call. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
const MAX_KEPT_CHARACTERS = 10_000;

/** Keeps one pool of connections a host. */
export class EngineClient {
  readonly #agent: Dispatcher;
  readonly #requestTimeoutMs: number;

  /** `requestTimeoutMs`: the longest time that one request may take, from its first byte sent to the last received. */
  constructor(requestTimeoutMs: number) {
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS },
      // The deadline of the whole request covers them: a host that takes an upload and reads nothing has no other end.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: MAX_RESPONSE_BYTES,
      keepAliveTimeout: 4_000,
    });
  }

  /** Resolves when the engine says that it can work. @throws EngineError otherwise */
  async health(engine: EngineAddress, signal: AbortSignal): Promise<void> {
    await this.#call(engine, { path: "/health", method: "GET", signal });
  }

  /** Puts a recording on the engine's host. @throws EngineError, also when what arrived there is not what was sent */
  async upload(
    engine: EngineAddress,
    batchId: number,
    fileName: string,
    path: string,
    signal: AbortSignal,
  ): Promise<z.infer<typeof uploadResponse>> {
    const { size } = await stat(path);
    const hash = createHash("sha256");
    const answer = await this.#call(engine, {
      path: `/files/${batchId}/${encodeURIComponent(fileName)}`,
      method: "PUT",
      headers: { "content-type": "application/octet-stream", "content-length": String(size) },
      body: Readable.from(hashed(path, hash)),
      signal,
    });
    const stored = checked(engine, uploadResponse, answer);
    if (stored.sha256.toLowerCase() !== hash.digest("hex"))
      throw new EngineError(`${engine.name} stored something else than was sent: the SHA-256 differs.`, {
        status: 201,
        type: "damaged-upload",
        retryable: true,
        response: stored,
      });
    return stored;
  }

  /** Asks the engine of `stage` about one file. @throws EngineError, also when the answer does not fit `schema` */
  async process<T>(
    engine: EngineAddress,
    stage: string,
    payload: unknown,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const answer = await this.#call(engine, {
      path: `/v1/${stage}`,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(payload),
      signal,
    });
    return checked(engine, schema, answer);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #call(
    engine: EngineAddress,
    {
      path,
      signal: stop,
      ...options
    }: { path: string; signal: AbortSignal } & Pick<Dispatcher.RequestOptions, "method" | "headers" | "body">,
  ): Promise<unknown> {
    let status: number;
    let text: string;
    let retryAfter: string | string[] | undefined;
    const deadline = AbortSignal.timeout(this.#requestTimeoutMs);
    try {
      const signal = AbortSignal.any([stop, deadline]);
      const answer = await request(engine.url + path, { ...options, signal, dispatcher: this.#agent });
      status = answer.statusCode;
      retryAfter = answer.headers["retry-after"];
      text = await answer.body.text();
    } catch (error) {
      if (stop.aborted) throw stoppedError(engine, error);
      throw deadline.aborted ? timeoutError(engine, this.#requestTimeoutMs, error) : connectionError(engine, error);
    }
    const body = parse(text);
    if (status >= 200 && status < 300) {
      if (body !== undefined) return body;
      throw new EngineError(`${engine.name} answered ${status} with a body that is no JSON.`, {
        status,
        type: "no-json",
        retryable: true,
        response: text.slice(0, MAX_KEPT_CHARACTERS),
      });
    }
    throw problemError(engine, status, body ?? text.slice(0, MAX_KEPT_CHARACTERS), readRetryAfter(retryAfter));
  }
}

async function* hashed(path: string, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Checks an answer against the contract; one that does not fit may be an accident of a model, so it is worth another try. */
export function checked<T>(engine: Pick<EngineAddress, "name">, schema: z.ZodType<T>, answer: unknown): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new EngineError(
    `${engine.name} answered what the contract does not allow: ${issue?.path.join(".") || "the answer"}: ${issue?.message}.`,
    { status: 200, type: "contract-violated", retryable: true, response: answer },
  );
}

function stoppedError(engine: EngineAddress, cause: unknown): EngineError {
  const message = `The request to ${engine.name} was stopped.`;
  return new EngineError(message, { status: null, type: "stopped", retryable: true, cause });
}

function timeoutError(engine: EngineAddress, timeoutMs: number, cause: unknown): EngineError {
  const message = `${engine.name} (${engine.url}) did not answer within ${timeoutMs / 1000} s (COFI_ENGINE_TIMEOUT_S).`;
  return new EngineError(message, { status: null, type: "timeout", retryable: true, cause });
}

function connectionError(engine: EngineAddress, error: unknown): EngineError {
  const { code, message } = error as { code?: string; message?: string };
  return new EngineError(`${engine.name} (${engine.url}) gave no answer: ${message || code || String(error)}.`, {
    status: null,
    type: code ?? "no-answer",
    retryable: true,
    cause: error,
  });
}

function problemError(engine: EngineAddress, status: number, body: unknown, waitMs: number): EngineError {
  const parsed = problem.safeParse(body);
  const type = parsed.success ? parsed.data.type : `http-${status}`;
  const detail = parsed.success ? (parsed.data.detail ?? parsed.data.title ?? type) : `HTTP ${status}`;
  return new EngineError(`${engine.name} refused the file: ${detail.replace(/\.$/, "")} (${status} ${type}).`, {
    status,
    type,
    // 5xx, "too many requests" and "request timeout" pass; any other 4xx says that this input will never do.
    retryable: status >= 500 || status === 429 || status === 408,
    retryAfterMs: waitMs,
    response: body,
  });
}

/** `Retry-After` (RFC 9110, 10.2.3): seconds or a date. */
export function readRetryAfter(header: string | string[] | null | undefined): number {
  if (typeof header !== "string" || header.trim() === "") return 0;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
