/** HTTP to the engines: uploads, requests, and what their errors mean. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Agent, request, type Dispatcher } from "undici";
import { z } from "zod";
import { uploadResponse } from "./engine-contract.js";

export interface EngineErrorInit {
  /** HTTP status; null when there was no answer. */
  status: number | null;
  /** `type` of the problem document, or a word for what went wrong below HTTP. */
  type: string;
  retryable: boolean;
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
  readonly response: unknown;

  constructor(message: string, { status, type, retryable, response, cause }: EngineErrorInit) {
    super(message, { cause });
    this.status = status;
    this.type = type;
    this.retryable = retryable;
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

export class EngineClient {
  readonly #agent: Dispatcher;

  /** `requestTimeoutMs`: the longest wait for an answer, and between two pieces of one. */
  constructor(requestTimeoutMs: number) {
    this.#agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
      maxResponseSize: MAX_RESPONSE_BYTES,
      keepAliveTimeout: 4_000,
    });
  }

  /** Resolves when the engine says that it can work. @throws EngineError otherwise */
  async health(engine: EngineAddress, signal: AbortSignal): Promise<void> {
    await this.#call(engine, { path: "/health", method: "GET", signal });
  }

  /** Puts a recording on the engine's host. @throws EngineError */
  async upload(
    engine: EngineAddress,
    batchId: number,
    fileName: string,
    path: string,
    signal: AbortSignal,
  ): Promise<z.infer<typeof uploadResponse>> {
    const { size } = await stat(path);
    const answer = await this.#call(engine, {
      path: `/files/${batchId}/${encodeURIComponent(fileName)}`,
      method: "PUT",
      headers: { "content-type": "application/octet-stream", "content-length": String(size) },
      body: createReadStream(path),
      signal,
    });
    return checked(engine, uploadResponse, answer);
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
      ...options
    }: { path: string; signal: AbortSignal } & Pick<Dispatcher.RequestOptions, "method" | "headers" | "body">,
  ): Promise<unknown> {
    let status: number;
    let text: string;
    try {
      const answer = await request(engine.url + path, { ...options, dispatcher: this.#agent });
      status = answer.statusCode;
      text = await answer.body.text();
    } catch (error) {
      throw connectionError(engine, error);
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
    throw problemError(engine, status, body ?? text.slice(0, MAX_KEPT_CHARACTERS));
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

function connectionError(engine: EngineAddress, error: unknown): EngineError {
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  if (name === "AbortError")
    return new EngineError(`The request to ${engine.name} was stopped.`, {
      status: null,
      type: "stopped",
      retryable: true,
      cause: error,
    });
  return new EngineError(`${engine.name} (${engine.url}) gave no answer: ${message || code || String(error)}.`, {
    status: null,
    type: code ?? "no-answer",
    retryable: true,
    cause: error,
  });
}

function problemError(engine: EngineAddress, status: number, body: unknown): EngineError {
  const parsed = problem.safeParse(body);
  const type = parsed.success ? parsed.data.type : `http-${status}`;
  const detail = parsed.success ? (parsed.data.detail ?? parsed.data.title ?? type) : `HTTP ${status}`;
  return new EngineError(`${engine.name} refused the file: ${detail.replace(/\.$/, "")} (${status} ${type}).`, {
    status,
    type,
    // 5xx, "too many requests" and "request timeout" pass; any other 4xx says that this input will never do.
    retryable: status >= 500 || status === 429 || status === 408,
    response: body,
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
