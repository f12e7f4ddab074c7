/** Model servers that run already and speak the OpenAI protocol: `COFI_<STAGE>_OPENAI_URL`. They keep no recordings. */
import type { StageName } from "@cofi/event-log/stages";
import type { OpenAiEngines } from "../hosts/openai-client.js";
import { addressed, type EngineHost, type RunningEngines, type Runtime, type RuntimeListener } from "./runtime.js";

export class ModelServers implements Runtime {
  readonly #openAi: OpenAiEngines;
  readonly #others: Runtime;
  readonly #slots: number;

  /** `others`: where the engines of the stages come from that no model server answers. */
  constructor(openAi: OpenAiEngines, others: Runtime, limits: { slotsPerHost: number }) {
    this.#openAi = openAi;
    this.#others = others;
    this.#slots = limits.slotsPerHost;
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
    const hosts = addressed(server.urls).map((address): EngineHost => ({
      ...address,
      files: null,
      slots: server.slots ?? this.#slots,
      ready: () => Promise.resolve(),
      look: (looking) => this.#openAi.look(server, address, looking),
    }));
    return { hosts, stop: () => Promise.resolve() };
  }
}
