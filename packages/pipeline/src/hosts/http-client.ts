/** One HTTP request to a host: the reply as it came, or why there is none. Engines and model servers are asked through it. */
import { Agent, request, type Dispatcher } from "undici";
import { JsonText } from "@cofi/event-log/json-text";
import { EngineError } from "./engine-error.js";
import { exchange, type ResponseHead } from "./http-exchange.js";
import { unlessAborted } from "./unless-aborted.js";

export interface HttpRequest {
  /** Host name or address, as logged in `gpuIp`. */
  host: string;
  url: string;
  method: "GET" | "PUT" | "POST" | "DELETE";
  headers?: Record<string, string>;
  body?: NonNullable<Dispatcher.DispatchOptions["body"]>;
  /** A key that the other side may repeat in its answer: it is replaced there before anything is kept. */
  secret?: string | null | undefined;
  /** Aborts when the request is to stop. */
  signal: AbortSignal;
}

export interface Reply {
  status: number;
  /** 0 when the host did not say. */
  retryAfterMs: number;
  /** It asks for credentials, or says that there is more to see with some (`WWW-Authenticate`). */
  asksForToken: boolean;
  /** What the body says; undefined when it is not JSON. */
  json: unknown;
  /** The body as it came, for the log: JSON as it stands, another text as a JSON string. */
  body: JsonText;
}

export interface Download {
  body: AsyncIterable<Buffer>;
  /** How long it is; null when the host did not say. */
  bytes: number | null;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** An answer beyond this is refused: no engine has that much to say about one call. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Keeps one pool of connections a host. */
export class HttpClient {
  readonly #agent: Dispatcher;
  /** For files, which may be longer than any answer. */
  readonly #files: Dispatcher;
  readonly #timeoutMs: number;

  /** `timeoutMs`: the longest time that one request may take, from its first byte sent to the last received. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    const options: Agent.Options = {
      connect: { timeout: CONNECT_TIMEOUT_MS },
      // The deadline of the whole request covers them: a host that takes an upload and reads nothing has no other end.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 4_000,
    };
    this.#agent = new Agent({ ...options, maxResponseSize: MAX_RESPONSE_BYTES });
    this.#files = new Agent(options);
  }

  /**
   * Resolves with any reply that came whole, whatever its status.
   * @throws EngineError with status null when none came, or only a part, which is in its `response`
   */
  async send({ signal, secret, ...options }: HttpRequest): Promise<Reply> {
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const chunks: Buffer[] = [];
    try {
      const { host: _host, ...asked } = options;
      const head = await exchange(this.#agent, asked, AbortSignal.any([signal, deadline]), chunks);
      return reply(head, chunks, secret);
    } catch (error) {
      throw this.#failure(error, options, { signal, deadline, chunks, secret });
    }
  }

  /**
   * Asks for a file of any size: it is read while it comes. Any other status than 2xx is a reply, as of {@link send}.
   * @throws EngineError, also while the file is read
   */
  async download({ signal, secret, ...options }: HttpRequest): Promise<Reply | Download> {
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    const failure = (error: unknown): EngineError =>
      this.#failure(error, options, { signal, deadline, chunks: [], secret });
    try {
      const { host: _host, url, ...asked } = options;
      // undici itself looks at the signal only when there is a connection.
      const answer = await unlessAborted(request(url, { ...asked, signal: either, dispatcher: this.#files }), either);
      const body = answer.body as AsyncIterable<Buffer>;
      if (answer.statusCode >= 200 && answer.statusCode < 300) {
        const length = Number(answer.headers["content-length"]);
        return { body: readable(body, failure), bytes: Number.isSafeInteger(length) ? length : null };
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of body) {
        chunks.push(chunk);
        if ((bytes += chunk.length) > MAX_RESPONSE_BYTES) break;
      }
      return reply(answer, chunks, secret);
    } catch (error) {
      throw failure(error);
    }
  }

  /** Why there is no reply that came whole. */
  #failure(
    error: unknown,
    { host, url }: Pick<HttpRequest, "host" | "url">,
    { signal, deadline, chunks, secret }: Broken,
  ): EngineError {
    // Of another host, from which what was sent was read meanwhile.
    if (error instanceof EngineError) return error;
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
    const init = {
      status: null,
      fault: "host" as const,
      cause: error,
      ...(bytes > 0 && { response: part(chunks, secret) }),
    };
    const so = bytes > 0 ? ` The first ${bytes} bytes of a response came.` : "";
    if (signal.aborted)
      return new EngineError(`The request to ${host} was stopped.${so}`, { ...init, type: "stopped" });
    if (deadline.aborted)
      return new EngineError(
        `${host} (${url}) did not answer within ${this.#timeoutMs / 1000} s (COFI_ENGINE_TIMEOUT_S).${so}`,
        { ...init, type: "timeout" },
      );
    const { code, message } = error as { code?: string; message?: string };
    const what = bytes > 0 ? "broke off its response" : "gave no answer";
    return new EngineError(`${host} (${url}) ${what}: ${message || code || String(error)}.${so}`, {
      ...init,
      type: code ?? "no-answer",
    });
  }

  /** Ends all connections, also those that are still being made for requests that were stopped. */
  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#files.destroy()]);
  }
}

interface Broken {
  signal: AbortSignal;
  deadline: AbortSignal;
  /** What came of the reply. */
  chunks: readonly Buffer[];
  secret: string | null | undefined;
}

async function* readable(
  body: AsyncIterable<Buffer>,
  failure: (error: unknown) => EngineError,
): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw failure(error);
  }
}

function reply(
  { statusCode: status, headers }: ResponseHead,
  chunks: readonly Buffer[],
  secret: string | null | undefined,
): Reply {
  const asksForToken = headers["www-authenticate"] !== undefined;
  return { status, retryAfterMs: readRetryAfter(headers["retry-after"]), asksForToken, ...received(chunks, secret) };
}

/** What came of a reply that broke off. */
function part(chunks: readonly Buffer[], secret: string | null | undefined): JsonText {
  return received(chunks, secret).body;
}

function received(chunks: readonly Buffer[], secret: string | null | undefined): Pick<Reply, "json" | "body"> {
  const bytes = Buffer.concat(chunks);
  let text: string;
  try {
    text = withoutSecret(UTF8.decode(bytes), secret);
  } catch {
    // Latin-1 holds every byte, so that nothing of a broken text is lost.
    const latin1 = withoutSecret(bytes.toString("latin1"), secret);
    return { json: undefined, body: new JsonText(JSON.stringify(latin1)) };
  }
  return JsonText.parse(text) ?? { json: undefined, body: new JsonText(JSON.stringify(text)) };
}

/**
 * What people write for servers that ask for no key: `none`, `EMPTY`, `1`. It may be said in any call, and what was said must
 * not be altered.
 */
const PLACEHOLDER = /^(?:[a-z]{1,15}|\d{1,15})$/i;

/** As it stands in text and in every way in which JSON may write it, also inside of a string that holds JSON. */
function withoutSecret(text: string, secret: string | null | undefined): string {
  if (!secret || PLACEHOLDER.test(secret)) return text;
  const pattern = secret.split("").map((unit) => {
    const code = unit.charCodeAt(0).toString(16).padStart(4, "0");
    const anyCase = code.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
    const escape = ESCAPED.has(unit) ? String.raw`\\*` : "";
    return String.raw`(?:${escape}\u${code}|\\+u${anyCase})`;
  });
  return text.replaceAll(new RegExp(pattern.join(""), "g"), "[key]");
}

/** What JSON may write with a backslash in front. */
const ESCAPED = new Set(['"', "\\", "/"]);

/** `Retry-After` (RFC 9110, 10.2.3): seconds or a date. */
function readRetryAfter(header: string | string[] | undefined): number {
  if (typeof header !== "string" || header.trim() === "") return 0;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
