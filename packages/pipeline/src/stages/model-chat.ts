/** How llm1 and llm2 ask their host: an engine by the contract, a model server by a chat about the same. */
import type { Json } from "@cofi/event-log/events";
import type { BatchContext } from "../batch/context.js";
import type { AskAgain, Asked } from "../batch/stage.js";
import { AnswerRefused } from "../hosts/answer-refused.js";
import { EngineError } from "../hosts/engine-error.js";
import { FORMAT_REFUSED } from "../hosts/openai-errors.js";
import type { EngineHost } from "../runtime/runtime.js";
import { required } from "./recordings.js";

interface Question {
  name: string;
  payload: Json;
  host: EngineHost | null;
  again: AskAgain;
  /** The payload for the engine of the stage. */
  input: () => Promise<Json>;
}

/** For one run of a stage. */
export class ModelChat {
  readonly #stage: "llm1" | "llm2";
  readonly #openAi: BatchContext["openAi"];
  /** Why the last answer about a file was refused, while it is to be asked about again. */
  readonly #refused = new Map<string, string>();

  constructor(stage: "llm1" | "llm2", { openAi }: Pick<BatchContext, "openAi">) {
    this.#stage = stage;
    this.#openAi = openAi;
  }

  /** The request as it goes over the wire; to a model server, a repeated question says why the answer before was refused. */
  payload(name: string, host: EngineHost | null, input: Json): Json {
    if (!this.#openAi.answers(this.#stage)) return input;
    return this.#openAi.chat(this.#stage, required(host), input, this.#refused.get(name) ?? null);
  }

  /** Asks through `send`, and in another way where the host refuses to be asked for JSON in this one. @throws EngineError */
  async ask<T>(
    { name, payload, host, again, input }: Question,
    send: (payload: Json) => Promise<Asked<T>>,
  ): Promise<Asked<T>> {
    let asked = payload;
    for (;;) {
      try {
        const answered = await send(asked);
        this.forget(name);
        return answered;
      } catch (error) {
        if (error instanceof AnswerRefused) this.#refused.set(name, error.forModel);
        if (!(error instanceof EngineError) || error.type !== FORMAT_REFUSED) throw error;
        const mode = this.#openAi.askOtherwise(this.#stage, required(host), asked);
        if (mode === null) throw error;
        asked = this.payload(name, host, await input());
        await again(error, asked, async () => ({ askedFor: mode }));
      }
    }
  }

  /** The file is done with. */
  forget(name: string): void {
    this.#refused.delete(name);
  }
}
