/** Model servers that run already and speak the OpenAI protocol: `COFI_<STAGE>_OPENAI_URL`. They keep no recordings. */
import type { StageName } from "@cofi/event-log/stages";
import type { OpenAiEngines } from "../hosts/openai-client.js";
import { hostsInUse } from "./hosts-in-use.js";
import type { RunningEngines, Runtime, RuntimeListener } from "./runtime.js";

export class ModelServers implements Runtime {
  readonly #openAi: OpenAiEngines;
  readonly #others: Runtime;
  readonly #limits: { slotsPerHost: number; engineStartTimeoutMs: number };

  /** `others`: where the engines of the stages come from that no model server answers. */
  constructor(openAi: OpenAiEngines, others: Runtime, limits: { slotsPerHost: number; engineStartTimeoutMs: number }) {
    this.#openAi = openAi;
    this.#others = others;
    this.#limits = limits;
  }

  /** Finds the servers of a stage, and waits until they have loaded its model. @throws EngineStartError */
  async start(
    stage: StageName,
    batchId: number,
    listener: RuntimeListener,
    signal: AbortSignal,
  ): Promise<RunningEngines> {
    const server = this.#openAi.serverOf(stage);
    if (!server) return this.#others.start(stage, batchId, listener, signal);
    const { slotsPerHost, engineStartTimeoutMs: timeoutMs } = this.#limits;
    const hosts = server.urls.map((url) => ({
      name: new URL(url).hostname,
      url,
      files: null,
      slots: server.slots ?? slotsPerHost,
      ready: () => Promise.resolve(),
    }));
    return hostsInUse(stage, hosts, { check: this.#openAi.readiness(server), timeoutMs, listener, signal });
  }
}
