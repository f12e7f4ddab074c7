/**
 * The calls of the Docker Engine API (https://docs.docker.com/reference/api/engine/) that starting and stopping an engine
 * takes, over a unix socket or TCP. Podman's service answers the same calls.
 */
import { Agent, request, type Dispatcher } from "undici";
import { z } from "zod";

/** The daemon refused, or could not be reached. The message names the host and the daemon's reason. */
export class DockerError extends Error {
  override readonly name = "DockerError";
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;

  constructor(message: string, status: number | null, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export interface DockerEndpoint {
  /** `unix:///path` or `tcp://host:port`, as in `DOCKER_HOST`. */
  url: string;
  /** PEM texts, for a daemon that asks for mutual TLS. */
  tls?: { ca: string; cert: string; key: string } | undefined;
}

const deviceRequest = z.looseObject({
  DeviceIDs: z.array(z.string()).nullish(),
  Count: z.number().nullish(),
  Capabilities: z.array(z.array(z.string())).nullish(),
});
export type DeviceRequest = z.infer<typeof deviceRequest>;

const inspection = z.looseObject({
  Config: z.looseObject({ Labels: z.record(z.string(), z.string()).nullish() }),
  HostConfig: z.looseObject({ DeviceRequests: z.array(deviceRequest).nullish() }),
  State: z.looseObject({ OOMKilled: z.boolean().optional(), ExitCode: z.number().optional() }),
  NetworkSettings: z.looseObject({
    Ports: z.record(z.string(), z.array(z.looseObject({ HostPort: z.string() })).nullable()).nullish(),
    Networks: z.record(z.string(), z.looseObject({ IPAddress: z.string().nullish() })).nullish(),
  }),
});
export type ContainerInspection = z.infer<typeof inspection>;

const created = z.looseObject({ Id: z.string() });
const listed = z.array(z.looseObject({ Id: z.string(), Labels: z.record(z.string(), z.string()).nullish() }));
const waited = z.looseObject({ StatusCode: z.number() });
const problem = z.looseObject({ message: z.string() });

/** Asked for instead of the newest: 20.10 and everything since, and Podman, answer it. */
const API = "/v1.41";
const CALL_TIMEOUT_MS = 60_000;
const LOG_LINES = 10;

export class DockerApi {
  /** Host name as logged in `gpuIp`, and where published ports are reached. */
  readonly host: string;
  /** `unix:///path` or `tcp://host:port`. */
  readonly endpoint: string;
  /** It is a socket of this machine. */
  readonly isUnix: boolean;
  readonly #origin: string;
  readonly #agent: Agent;

  constructor({ url, tls }: DockerEndpoint) {
    const { protocol, hostname, port, pathname } = new URL(url);
    const isUnix = protocol === "unix:";
    this.endpoint = url;
    this.isUnix = isUnix;
    this.host = isUnix ? "127.0.0.1" : hostname;
    this.#origin = isUnix ? "http://docker" : `${tls ? "https" : "http"}://${hostname}:${port || (tls ? 2376 : 2375)}`;
    this.#agent = new Agent({
      // `wait` answers when the container ends, which may take as long as the stage does.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: 10_000, ...tls, ...(isUnix ? { socketPath: decodeURIComponent(pathname) } : {}) },
    });
  }

  /** @returns the container's id */
  async create(name: string, body: object): Promise<string> {
    const answer = await this.#call("POST", `/containers/create?name=${encodeURIComponent(name)}`, body);
    return created.parse(answer).Id;
  }

  async start(id: string): Promise<void> {
    await this.#call("POST", `/containers/${id}/start`);
  }

  async inspect(id: string): Promise<ContainerInspection> {
    return inspection.parse(await this.#call("GET", `/containers/${id}/json`));
  }

  /** Resolves with the exit code when the container does not run any more. */
  async wait(id: string, signal: AbortSignal): Promise<number> {
    const answer = await this.#call("POST", `/containers/${id}/wait?condition=not-running`, undefined, signal);
    return waited.parse(answer).StatusCode;
  }

  /** Asks it to end, and ends it after `graceS`. One that has ended already is fine. */
  async stop(id: string, graceS: number): Promise<void> {
    await this.#call(
      "POST",
      `/containers/${id}/stop?t=${graceS}`,
      undefined,
      AbortSignal.timeout(CALL_TIMEOUT_MS + graceS * 1000),
    );
  }

  /** One that is gone already, or going, is fine. */
  async remove(id: string): Promise<void> {
    try {
      await this.#call("DELETE", `/containers/${id}?force=true&v=true`);
    } catch (error) {
      if (!(error instanceof DockerError && (error.status === 404 || error.status === 409))) throw error;
    }
  }

  /** All containers, running or not, that carry every label (`key=value`), with all of their labels. */
  async withLabels(labels: readonly string[]): Promise<{ id: string; labels: Readonly<Record<string, string>> }[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: labels }));
    const answer = await this.#call("GET", `/containers/json?all=true&filters=${filters}`);
    return listed.parse(answer).map(({ Id, Labels }) => ({ id: Id, labels: Labels ?? {} }));
  }

  /** The last lines that the container printed. */
  async lastLines(id: string): Promise<string> {
    const path = `/containers/${id}/logs?stdout=true&stderr=true&tail=${LOG_LINES}`;
    const { body } = await this.#request("GET", path, undefined, AbortSignal.timeout(CALL_TIMEOUT_MS));
    return demultiplexed(Buffer.from(await body.arrayBuffer()));
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #call(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: object,
    signal: AbortSignal = AbortSignal.timeout(CALL_TIMEOUT_MS),
  ): Promise<unknown> {
    const answer = await this.#request(method, path, body, signal);
    const text = await answer.body.text();
    return text === "" ? null : (JSON.parse(text) as unknown);
  }

  async #request(
    method: Dispatcher.HttpMethod,
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(this.#origin + API + path, {
        method,
        signal,
        dispatcher: this.#agent,
        ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
      });
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      throw new DockerError(
        `The Docker daemon at ${this.endpoint} cannot be reached: ${message || code}. Is it running, and may this user use it?`,
        null,
        { cause: error },
      );
    }
    // 304: it is in that state already.
    if (answer.statusCode < 300 || answer.statusCode === 304) return answer;
    const text = await answer.body.text();
    throw new DockerError(`Docker at ${this.endpoint}: ${reason(text)}`, answer.statusCode);
  }
}

function reason(text: string): string {
  try {
    return problem.parse(JSON.parse(text)).message;
  } catch {
    return text.slice(0, 500);
  }
}

/** Without a terminal the log comes in frames of 8 bytes of head (stream, 0, 0, 0, size) and the text. */
function demultiplexed(log: Buffer): string {
  const parts: string[] = [];
  for (let at = 0; at + 8 <= log.length;) {
    const size = log.readUInt32BE(at + 4);
    parts.push(log.toString("utf8", at + 8, at + 8 + size));
    at += 8 + size;
  }
  return parts.join("").trim().split("\n").join(" | ");
}
