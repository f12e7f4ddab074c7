/**
 * Real HTTP servers that answer as vLLM, llama.cpp, Ollama and speaches do, and misbehave as scripted. From their code and
 * documentation:
 * - vLLM (`vllm/entrypoints/openai`): does not listen while it loads; `/health` is 200 with an empty body and needs no key;
 *   `/v1/…` without the key is 401 `{"error":"Unauthorized"}`; errors are `{"error":{"message","type","param","code"}}` with the
 *   status as `code`; another name than the served ones is 404 `NotFoundError`; a file above VLLM_MAX_AUDIO_CLIP_FILESIZE_MB
 *   (25) is 400; `duration` of a transcription is a string, `avg_logprob` and `no_speech_prob` are null; thoughts stand in
 *   `reasoning` (before: `reasoning_content`).
 * - llama.cpp (`tools/server`): while it loads, all is 503 `{"error":{"code":503,"message":"Loading model",
 *   "type":"unavailable_error"}}` but `/v1/models`; one model answers under any name; a wrong key is 401
 *   `authentication_error`; too long a question is 400 `exceed_context_size_error`; thoughts stand in `reasoning_content`.
 * - Ollama (`server/routes.go`, `middleware/openai.go`): no `/health` (404, plain text); names have a tag; an unknown model is
 *   404 `not_found_error`; a full queue is 503 "server busy, please try again.  maximum pending requests exceeded" without
 *   Retry-After; its own API, and proxies in front, give `{"error":"text"}`; thoughts stand in `reasoning`.
 * - speaches (`src/speaches`): `/health` is 200 at once; a missing or wrong key is 403 `{"detail":…}`; a model that is not there
 *   is 404 `{"detail":"Model '…' is not installed locally. …"}`; aliases are resolved by `/v1/models/{id}` and are not in the
 *   list; a file that cannot be decoded is 415; segments are those of faster-whisper, with real log-probabilities, and words
 *   with `timestamp_granularities[]=word`.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { openAiAnswer } from "../../../test/support/openai-server.js";

export type Kind = "vLLM" | "llama.cpp" | "Ollama" | "speaches";

export interface Heard {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  /** Text as it is, all else as JSON. */
  body: unknown;
}

export interface ModelServerMock {
  url: string;
  /** `POST`s in the order they came. */
  heard: Heard[];
  /** `GET`s in the order they came, as paths. */
  looks: string[];
  /** What looks at these addresses get in place of what this kind of server says. */
  looked: Record<string, Answer>;
  /** What the next questions get; then as a well-behaved server. */
  script: (Answer | ((heard: Heard) => Answer | Promise<Answer>))[];
  /** Resolves when the first question has come. */
  asked: Promise<void>;
  /** How many more looks find it loading. */
  loading: number;
  close(): Promise<void>;
}

interface Options {
  /** As `/v1/models` lists them. */
  models?: string[];
  /** Names that only `/v1/models/{id}` knows. */
  aliases?: string[];
  apiKey?: string;
}

const error = (message: string, type: string, code: unknown): unknown => ({
  error: { message, type, param: null, code },
});

const MODELS: Record<Kind, string> = {
  vLLM: "Qwen/Qwen2.5-7B-Instruct",
  "llama.cpp": "/models/qwen2.5-7b-instruct-q4_k_m.gguf",
  Ollama: "qwen2.5:7b",
  speaches: "Systran/faster-whisper-small",
};
const OWNERS: Record<Kind, string> = { vLLM: "vllm", "llama.cpp": "llamacpp", Ollama: "library", speaches: "Systran" };

export const UNAUTHORIZED: Record<Kind, Answer> = {
  vLLM: { status: 401, body: { error: "Unauthorized" } },
  "llama.cpp": { status: 401, body: error("Invalid API Key", "authentication_error", 401) },
  Ollama: { status: 401, body: { error: "unauthorized" } },
  speaches: { status: 403, body: { detail: "Invalid API key. The provided API key is incorrect." } },
};

/** llama.cpp answers whatever name is asked. */
export const UNKNOWN_MODEL: Record<Kind, ((model: string) => Answer) | null> = {
  vLLM: (model) => ({ status: 404, body: error(`The model \`${model}\` does not exist.`, "NotFoundError", 404) }),
  "llama.cpp": null,
  Ollama: (model) => ({ status: 404, body: error(`model '${model}' not found`, "not_found_error", null) }),
  speaches: (model) => ({
    status: 404,
    body: {
      detail: `Model '${model}' is not installed locally. You can download the model using \`POST /v1/models\``,
    },
  }),
};

const LOADING: Answer = { status: 503, body: error("Loading model", "unavailable_error", 503) };

export async function startModelServer(kind: Kind, options: Options = {}): Promise<ModelServerMock> {
  const { models = [MODELS[kind]], aliases = [], apiKey } = options;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("end", () => {
        const heard = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) };
        const isLoading = mock.loading > 0;
        if (request.method === "GET") {
          mock.looks.push(heard.path);
          mock.loading = Math.max(0, mock.loading - 1);
        } else {
          mock.heard.push(heard);
          wasAsked();
        }
        if (kind === "vLLM" && isLoading) return void request.socket.destroy();
        const send = async (answer: Answer | Promise<Answer>): Promise<void> => {
          const { status = 200, headers, body } = await answer;
          response.writeHead(status, { "content-type": "application/json", ...headers });
          response.end(typeof body === "string" ? body : JSON.stringify(body));
        };
        void send(request.method === "GET" ? lookedAt(heard, isLoading) : asked(heard));
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const isRefused = ({ headers }: Heard): boolean =>
    apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`;

  function lookedAt(heard: Heard, isLoading: boolean): Answer {
    const { path } = heard;
    const scripted = mock.looked[path];
    if (scripted) return scripted;
    if (path === "/health") {
      if (isLoading && kind === "llama.cpp") return LOADING;
      if (kind === "Ollama") return { status: 404, body: "404 page not found" };
      return { body: kind === "vLLM" ? "" : kind === "speaches" ? { message: "OK" } : { status: "ok" } };
    }
    // llama.cpp lists its model without a key.
    if (kind !== "llama.cpp" && isRefused(heard)) return UNAUTHORIZED[kind];
    const card = (id: string) => ({ id, object: "model", created: 0, owned_by: OWNERS[kind] });
    if (path === "/v1/models") return { body: { object: "list", data: models.length === 0 ? null : models.map(card) } };
    const id = decodeURIComponent(path.replace("/v1/models/", ""));
    if (models.includes(id) || aliases.includes(id)) return { body: card(id) };
    return { status: 404, body: { detail: "Not Found" } };
  }

  function asked(heard: Heard): Answer | Promise<Answer> {
    if (isRefused(heard)) return UNAUTHORIZED[kind];
    const next = mock.script.shift() ?? wellBehaved;
    return typeof next === "function" ? next(heard) : next;
  }

  let wasAsked!: () => void;
  const mock: ModelServerMock = {
    asked: new Promise((resolve) => (wasAsked = resolve)),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: [],
    looks: [],
    looked: {},
    script: [],
    loading: 0,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return mock;
}

export function wellBehaved({ path, body }: Heard): Answer {
  return { body: openAiAnswer(path, body) };
}

/** The settings of these stages, with one model and key for all of them. */
export function serversIn(
  stages: readonly ("STT" | "LLM1" | "LLM2")[],
  { urls, model, apiKey = "" }: { urls: readonly string[]; model: string; apiKey?: string },
): NodeJS.ProcessEnv {
  return Object.fromEntries(
    stages.flatMap((stage) => [
      [`COFI_${stage}_OPENAI_URL`, urls.join(",")],
      [`COFI_${stage}_OPENAI_MODEL`, model],
      [`COFI_${stage}_OPENAI_API_KEY`, apiKey],
    ]),
  );
}
