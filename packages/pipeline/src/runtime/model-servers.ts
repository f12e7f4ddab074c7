/** Model servers that run already and speak the OpenAI protocol: `COFI_<STAGE>_OPENAI_URL`. They keep no recordings. */
import type { StageName } from "@cofi/event-log/stages";
import type { OpenAiEngines } from "../hosts/openai-client.js";
import type { HostsFile, ListedHost } from "./hosts-file.js";
import { addressedHosts, HostKeys, runningHosts } from "./listed-hosts.js";
import type { EngineHost, RunningEngines, Runtime, RuntimeListener } from "./runtime.js";

export class ModelServers implements Runtime {
  readonly #openAi: OpenAiEngines;
  readonly #others: Runtime;
  readonly #options: { slotsPerHost: number; hostsFile?: HostsFile | null };
  readonly #keys: HostKeys;

  /** `others`: where the engines of the stages come from that no model server answers. `hostsFile`: names servers in place of the URLs. */
  constructor(openAi: OpenAiEngines, others: Runtime, options: { slotsPerHost: number; hostsFile?: HostsFile | null }) {
    this.#openAi = openAi;
    this.#others = others;
    this.#options = options;
    this.#keys = new HostKeys((stage) => withoutVersion(this.#named(stage)));
  }

  /** The servers of a stage, whether they have loaded or not: each is asked from when it is ready. @throws EngineStartError */
  async start(
    stage: StageName,
    batchId: number,
    listener: RuntimeListener,
    signal: AbortSignal,
  ): Promise<RunningEngines> {
    const server = this.#openAi.serverOf(stage);
    if (!server) return this.#others.start(stage, batchId, listener, signal);
    const { slotsPerHost, hostsFile = null } = this.#options;
    const keys = hostsFile ? this.#keys.of(stage) : undefined;
    return runningHosts(stage, listedIn(server.urls), hostsFile, (listed) =>
      addressedHosts(withoutVersion(listed), server.slots ?? slotsPerHost, keys).map((address): EngineHost => ({
        ...address,
        files: null,
        isShared: true,
        ready: () => Promise.resolve(),
        look: (looking) => this.#openAi.look(server, address, looking),
      })),
    );
  }

  machinesOf(stage: StageName): readonly string[] {
    const server = this.#openAi.serverOf(stage);
    if (!server) return this.#others.machinesOf(stage);
    return addressedHosts(this.#named(stage), 1).map(({ name }) => name);
  }

  /** The servers of a stage as they were read last; none for a stage that none answers. */
  #named(stage: StageName): readonly ListedHost[] {
    const server = this.#openAi.serverOf(stage);
    return server ? (this.#options.hostsFile?.of(stage) ?? listedIn(server.urls)) : [];
  }
}

function listedIn(urls: readonly string[]): ListedHost[] {
  return urls.map((url) => ({ url, slots: null }));
}

/** Addresses are often given with it. */
function withoutVersion(listed: readonly ListedHost[]): ListedHost[] {
  return listed.map(({ url, slots }) => ({ url: url.replace(/\/v1$/, ""), slots }));
}
