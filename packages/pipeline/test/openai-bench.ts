/** A client of one model server, asked as llm1 asks it. */
import type { EngineError } from "@cofi/pipeline/engine-error";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { serversIn, startModelServer, type Answer, type Kind, type ModelServerMock } from "./model-server.js";

export const KEY = "sk-secret/0123456789";
export const MODEL = "qwen2.5:7b";
const NEVER = new AbortController().signal;
const INPUT = { call_id: "C1", transcript: { segments: [] } };

export class OpenAiBench {
  readonly server: ModelServerMock;
  readonly #engines: OpenAiEngines;

  private constructor(server: ModelServerMock, engines: OpenAiEngines) {
    this.server = server;
    this.#engines = engines;
  }

  /** `model`: as the settings name it. */
  static async start(
    kind: Kind,
    options: Parameters<typeof startModelServer>[1] & { model?: string } = {},
  ): Promise<OpenAiBench> {
    const server = await startModelServer(kind, options);
    const env = serversIn(["LLM1"], { urls: [server.url], model: options.model ?? MODEL, apiKey: KEY });
    return new OpenAiBench(server, new OpenAiEngines(env, 5_000));
  }

  get #host() {
    return { name: "gpu-1", url: this.server.url };
  }

  /** Asks about a call; the server answers it like this, if it is given. */
  extract(answer?: Answer) {
    if (answer) this.server.script.push(answer);
    return this.#engines.extract(this.#host, this.#engines.chat("llm1", this.#host, INPUT), NEVER);
  }

  /** Looks once whether it is ready. */
  async look(): Promise<void> {
    const server = this.#engines.serverOf("llm1");
    if (server) await this.#engines.look(server, this.#host, NEVER);
  }

  async close(): Promise<void> {
    await this.#engines.close();
    await this.server.close();
  }
}

/** What work ended with. */
export async function refusalOf(work: Promise<unknown>): Promise<EngineError> {
  return (await work.then(
    () => null,
    (error: unknown) => error,
  )) as EngineError;
}
