/** Requests to servers that speak the OpenAI protocol, with their key, and what their refusals mean. */
import { JsonText } from "@cofi/event-log/json-text";
import { invalidJson, type EngineAddress } from "./engine-client.js";
import { EngineError } from "./engine-error.js";
import { HttpClient, type HttpRequest, type Reply } from "./http-client.js";
import { answerWithBody } from "./logged-answer.js";
import { refusalOf, statusOfError } from "./openai-errors.js";
import type { ModelServer } from "./openai-servers.js";

type Options = Pick<HttpRequest, "headers" | "body" | "signal">;

/** Keeps one pool of connections a host. The response of each error is {@link answerWithBody}. */
export class OpenAiHttp {
  readonly #http: HttpClient;

  /** `requestTimeoutMs`: the longest time that one request may take, from its first byte sent to the last received. */
  constructor(requestTimeoutMs: number) {
    this.#http = new HttpClient(requestTimeoutMs);
  }

  /** Resolves with JSON that was answered 2xx. @throws EngineError with the server's own words otherwise */
  async post(server: ModelServer, host: EngineAddress, path: string, options: Options): Promise<Reply> {
    try {
      const reply = await this.#send(server, host, "POST", path, options);
      if (!isGood(reply)) throw refusalOf(server, host.name, reply);
      if (reply.json === undefined) throw invalidJson(host.name, reply);
      const status = statusOfError(reply.json);
      if (status !== null) throw refusalOf(server, host.name, { ...reply, status });
      return reply;
    } catch (error) {
      if (!(error instanceof EngineError) || !(error.response instanceof JsonText)) throw error;
      throw error.type === "no-json" || error.status === null
        ? error.withResponse(answerWithBody(null, error.response))
        : error;
    }
  }

  /** Resolves with any reply that came whole, whatever its status. @throws EngineError when none came */
  async get(server: ModelServer, host: EngineAddress, path: string, signal: AbortSignal): Promise<Reply> {
    return this.#send(server, host, "GET", path, { signal });
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  #send(
    { apiKey: secret }: ModelServer,
    { name: host, url }: EngineAddress,
    method: "GET" | "POST",
    path: string,
    options: Options,
  ): Promise<Reply> {
    const headers = { ...options.headers, ...(secret && { authorization: `Bearer ${secret}` }) };
    return this.#http.send({ ...options, host, url: url + path, method, headers, secret });
  }
}

export function isGood({ status }: Pick<Reply, "status">): boolean {
  return status >= 200 && status < 300;
}
