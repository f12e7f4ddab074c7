/** Engines that run already, on hosts of their own: `COFI_ENGINE_<STAGE>_URLS`, or the file of `COFI_HOSTS_FILE`. */
import type { StageName } from "@cofi/event-log/stages";
import { baseUrls } from "../hosts/base-urls.js";
import type { EngineClient } from "../hosts/engine-client.js";
import type { HostsFile, ListedHost } from "./hosts-file.js";
import { addressedHosts, HostKeys, runningHosts } from "./listed-hosts.js";
import type { EngineHost, FileKeeper, RunningEngines, Runtime } from "./runtime.js";

/** The base URLs of a stage's engines; null when the variable is not set. @throws SettingsError */
export function remoteUrls(stage: StageName, env: NodeJS.ProcessEnv): string[] | null {
  return baseUrls(`COFI_ENGINE_${stage.toUpperCase()}_URLS`, env);
}

export interface RemoteOptions {
  /** Files at once on a host for which no other number is named. */
  slotsPerHost: number;
  /** With which all hosts are asked, where there is one. */
  token?: string | undefined;
  /** Names hosts in place of the URLs. */
  hostsFile?: HostsFile | null;
}

export class RemoteRuntime implements Runtime, FileKeeper {
  readonly #urls: (stage: StageName) => readonly string[] | null;
  readonly #client: EngineClient;
  readonly #options: RemoteOptions;
  readonly #keys: HostKeys;

  constructor(urls: (stage: StageName) => readonly string[] | null, client: EngineClient, options: RemoteOptions) {
    this.#urls = urls;
    this.#client = client;
    this.#options = options;
    this.#keys = new HostKeys((stage) => this.#named(stage));
  }

  /** All of them, whether they are there or not: each is asked from when it is ready. */
  async start(stage: StageName): Promise<RunningEngines> {
    const { hostsFile = null } = this.#options;
    const keys = hostsFile ? this.#keys.of(stage) : undefined;
    return runningHosts(stage, this.#listed(stage), hostsFile, (listed) => this.#hosts(listed, keys));
  }

  machinesOf(stage: StageName): readonly string[] {
    return addressedHosts(this.#named(stage), 1).map(({ name }) => name);
  }

  /** The hosts of a stage as they were read last. */
  #named(stage: StageName): readonly ListedHost[] {
    return this.#options.hostsFile?.of(stage) ?? this.#listed(stage);
  }

  /** A host is known by its URL, also when no setting names it any more. */
  filesAt(place: string): Promise<RunningEngines> | null {
    if (!/^https?:/.test(place)) return null;
    return Promise.resolve({ hosts: this.#hosts([{ url: place, slots: null }]), stop: () => Promise.resolve() });
  }

  #listed(stage: StageName): ListedHost[] {
    return (this.#urls(stage) ?? []).map((url) => ({ url, slots: null }));
  }

  #hosts(listed: readonly ListedHost[], keys?: Map<string, string>): EngineHost[] {
    const { slotsPerHost, token } = this.#options;
    return addressedHosts(listed, slotsPerHost, keys).map((address) => ({
      ...address,
      files: { place: address.url, description: address.url },
      isShared: true,
      token,
      ready: () => Promise.resolve(),
      look: (signal) => this.#client.health({ ...address, token }, signal),
    }));
  }
}
