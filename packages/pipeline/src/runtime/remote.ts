/** Engines that run already, on hosts of their own: `COFI_ENGINE_<STAGE>_URLS`. */
import type { StageName } from "@cofi/event-log/stages";
import { baseUrls } from "../hosts/base-urls.js";
import type { EngineClient } from "../hosts/engine-client.js";
import { addressed, type EngineHost, type FileKeeper, type RunningEngines, type Runtime } from "./runtime.js";

/** The base URLs of a stage's engines; null when the variable is not set. @throws SettingsError */
export function remoteUrls(stage: StageName, env: NodeJS.ProcessEnv): string[] | null {
  return baseUrls(`COFI_ENGINE_${stage.toUpperCase()}_URLS`, env);
}

/** All hosts are asked with the same token, where there is one. */
export class RemoteRuntime implements Runtime, FileKeeper {
  readonly #urls: (stage: StageName) => string[] | null;
  readonly #client: EngineClient;
  readonly #slots: number;
  readonly #token: string | undefined;

  constructor(
    urls: (stage: StageName) => string[] | null,
    client: EngineClient,
    limits: { slotsPerHost: number },
    token?: string,
  ) {
    this.#urls = urls;
    this.#client = client;
    this.#slots = limits.slotsPerHost;
    this.#token = token;
  }

  /** All of them, whether they are there or not: each is asked from when it is ready. */
  async start(stage: StageName): Promise<RunningEngines> {
    const hosts = this.#hosts(this.#urls(stage) ?? []);
    return { hosts, stop: () => Promise.resolve() };
  }

  /** A host is known by its URL, also when no setting names it any more. */
  filesAt(place: string): Promise<RunningEngines> | null {
    if (!/^https?:/.test(place)) return null;
    return Promise.resolve({ hosts: this.#hosts([place]), stop: () => Promise.resolve() });
  }

  #hosts(urls: readonly string[]): EngineHost[] {
    return addressed(urls).map((address) => ({
      ...address,
      files: { place: address.url, description: address.url },
      slots: this.#slots,
      token: this.#token,
      ready: () => Promise.resolve(),
      look: (signal) => this.#client.health({ ...address, token: this.#token }, signal),
    }));
  }
}
