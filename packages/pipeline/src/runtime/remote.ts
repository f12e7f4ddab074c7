/** Engines that run already, on hosts of their own: `COFI_ENGINE_<STAGE>_URLS`. */
import { SettingsError } from "@cofi/event-log/environment";
import type { StageName } from "@cofi/event-log/stages";
import type { EngineClient } from "../hosts/engine-client.js";
import { EngineError } from "../hosts/engine-error.js";
import { awaitHealth } from "./await-health.js";
import type { EngineHost, FileKeeper, RunningEngines, Runtime, RuntimeListener } from "./runtime.js";

/** How long a host that does not answer is waited for while another one of the stage is ready. */
const ABSENT_HOST_MS = 5_000;

/** The base URLs of a stage's engines; null when the variable is not set. @throws SettingsError */
export function remoteUrls(stage: StageName, env: NodeJS.ProcessEnv): string[] | null {
  const variable = `COFI_ENGINE_${stage.toUpperCase()}_URLS`;
  const text = env[variable]?.trim();
  if (!text) return null;
  return text.split(",").map((part) => {
    const url = part.trim();
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new SettingsError(
        `${variable} holds ${JSON.stringify(url)}; expected http:// or https:// URLs, comma separated.`,
      );
    if (new URL(url).username || new URL(url).password)
      throw new SettingsError(
        `${variable} holds a URL with a user or password: it would stand in the log. Leave it out.`,
      );
    return url.replace(/\/+$/, "");
  });
}

export class RemoteRuntime implements Runtime, FileKeeper {
  readonly #urls: (stage: StageName) => string[] | null;
  readonly #client: EngineClient;
  readonly #slots: number;
  readonly #timeoutMs: number;

  constructor(
    urls: (stage: StageName) => string[] | null,
    client: EngineClient,
    limits: { slotsPerHost: number; engineStartTimeoutMs: number },
  ) {
    this.#urls = urls;
    this.#client = client;
    this.#slots = limits.slotsPerHost;
    this.#timeoutMs = limits.engineStartTimeoutMs;
  }

  async start(
    stage: StageName,
    _batchId: number,
    listener: RuntimeListener,
    signal: AbortSignal,
  ): Promise<RunningEngines> {
    const hosts = (this.#urls(stage) ?? []).map((url) => this.#host(url));
    const healthy = new Set<EngineHost>();
    const failures: unknown[] = [];
    let firstHealthy = Number.POSITIVE_INFINITY;
    /** One that loads its model is waited for; one that is not there must not hold up those that are. */
    const givenUp = (error: unknown): string | null =>
      performance.now() - firstHealthy > ABSENT_HOST_MS && error instanceof EngineError && error.status === null
        ? `not healthy ${ABSENT_HOST_MS / 1000} s after others were: ${error.message}`
        : null;
    await Promise.all(
      hosts.map(async (host) => {
        try {
          await awaitHealth(this.#client, host, this.#timeoutMs, signal, givenUp);
          firstHealthy = Math.min(firstHealthy, performance.now());
          healthy.add(host);
        } catch (error) {
          failures.push(error);
          listener.error((error as Error).message, { host: host.name });
        }
      }),
    );
    // In the order of the setting: files find their host by its place.
    const inUse = hosts.filter((host) => healthy.has(host));
    if (inUse.length === 0) throw failures[0];
    for (const host of inUse) listener.info(`Engine of ${stage} in use on ${host.name}`, { url: host.url });
    return { hosts: inUse, stop: () => Promise.resolve() };
  }

  /** A host is known by its URL, also when no setting names it any more. */
  filesAt(place: string): Promise<RunningEngines> | null {
    if (!/^https?:/.test(place)) return null;
    return Promise.resolve({ hosts: [this.#host(place)], stop: () => Promise.resolve() });
  }

  #host(url: string): EngineHost {
    return {
      name: new URL(url).hostname,
      url,
      files: { place: url, description: url },
      slots: this.#slots,
      ready: () => Promise.resolve(),
    };
  }
}
