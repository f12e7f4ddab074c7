/** Engines that run already, on hosts of their own: `COFI_ENGINE_<STAGE>_URLS`. */
import { SettingsError } from "@cofi/event-log/environment";
import type { StageName } from "@cofi/event-log/stages";
import type { EngineClient } from "../hosts/engine-client.js";
import { keyOf, type EngineHost, type FileKeeper, type RunningEngines, type Runtime } from "./runtime.js";

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
    const named = urls.map((url) => ({ name: new URL(url).hostname, url }));
    return named.map(({ name, url }, index) => ({
      name,
      key: keyOf(name, named.slice(0, index)),
      url,
      files: { place: url, description: url },
      slots: this.#slots,
      token: this.#token,
      ready: () => Promise.resolve(),
      look: (signal) => this.#client.health({ name, url, token: this.#token }, signal),
    }));
  }
}
