/**
 * `stt`, `llm1` and `llm2` answered by servers that speak the OpenAI protocol: vLLM, Ollama, llama.cpp, speaches.
 * What comes back is translated to the engines' contract and checked against it.
 */
import type { z } from "zod";
import { SettingsError } from "@cofi/event-log/environment";
import type { Json } from "@cofi/event-log/events";
import { JsonText } from "@cofi/event-log/json-text";
import { checked, invalidJson, type Answered } from "./engine-client.js";
import { audit, extraction, type Llm1Response, type Llm2Response, type SttResponse } from "./engine-contract.js";
import { EngineError, type Fault } from "./engine-error.js";
import { HttpClient, type HttpRequest, type Reply } from "./http-client.js";
import { answerWithBody } from "./logged-answer.js";
import { chatCompletion, transcriptOf, verboseTranscription } from "./openai-answers.js";
import { chatRequest, formOf, transcriptionRequest, type TranscriptionRequest } from "./openai-requests.js";

export type OpenAiStage = "stt" | "llm1" | "llm2";
const STAGES: readonly OpenAiStage[] = ["stt", "llm1", "llm2"];

interface Server {
  /** Up to and without `/v1`. */
  url: string;
  model: string;
  apiKey: string | null;
}

/** The response of each answer, also of those that an EngineError refuses, is {@link answerWithBody}. */
export class OpenAiEngines {
  readonly #servers: ReadonlyMap<OpenAiStage, Server>;
  readonly #http: HttpClient;

  /** Reads `COFI_<STAGE>_OPENAI_URL`, `_MODEL` and `_API_KEY`. @throws SettingsError */
  constructor(env: NodeJS.ProcessEnv, requestTimeoutMs: number) {
    this.#servers = new Map(STAGES.flatMap((stage) => server(stage, env)));
    this.#http = new HttpClient(requestTimeoutMs);
  }

  /** Whether a server is configured for the stage; it is then asked in place of the engine. */
  answers(stage: OpenAiStage): boolean {
    return this.#servers.has(stage);
  }

  /** The server and model that answer for a stage; null for a stage that none is configured for. */
  describe(stage: string): { url: string; model: string } | null {
    const found = [...this.#servers].find(([name]) => name === stage);
    return found ? { url: found[1].url, model: found[1].model } : null;
  }

  /** As logged in `gpuIp`. */
  hostName(stage: OpenAiStage): string {
    return new URL(this.#server(stage).url).hostname;
  }

  /** What {@link transcribe} sends about the recording at `path`. `language`: ISO 639-1; null lets the server find out. */
  transcription(fileName: string, path: string, language: string | null): Promise<TranscriptionRequest> {
    return transcriptionRequest(this.#server("stt").model, fileName, path, language);
  }

  /** What {@link extract} or {@link audit} sends; `input` is what the engine of the stage would be asked. */
  chat(stage: "llm1" | "llm2", input: Json): Json {
    return chatRequest(stage, this.#server(stage).model, input);
  }

  /** Transcribes the whole recording at `path`. Segment times are those of the recording. @throws EngineError */
  async transcribe(asked: TranscriptionRequest, path: string, signal: AbortSignal): Promise<Answered<SttResponse>> {
    const started = performance.now();
    const { json, body } = await this.#post("stt", "/v1/audio/transcriptions", {
      body: await formOf(asked, path),
      signal,
    });
    const name = this.hostName("stt");
    const response = answerWithBody(null, body);
    const transcription = checked({ name }, verboseTranscription, json, response);
    const { model, language } = asked;
    const elapsedMs = performance.now() - started;
    const answer = transcriptOf(transcription, { model, asked: language, elapsedMs });
    if (answer === null)
      throw new EngineError(
        `${name} gave text but no segments: evidence needs the time at which it was said. ` +
          "Use a server and model that answer response_format verbose_json.",
        { status: 200, type: "not-supported", fault: "file", response },
      );
    return { answer, response: answerWithBody(answer, body) };
  }

  /** `asked`: of {@link chat}. @throws EngineError */
  async extract(asked: Json, signal: AbortSignal): Promise<Answered<Llm1Response>> {
    return this.#complete("llm1", asked, extraction, signal);
  }

  /** `asked`: of {@link chat}. @throws EngineError */
  async audit(asked: Json, signal: AbortSignal): Promise<Answered<Llm2Response>> {
    return this.#complete("llm2", asked, audit, signal);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #complete<Shape extends z.ZodType>(
    stage: "llm1" | "llm2",
    asked: Json,
    schema: Shape,
    signal: AbortSignal,
  ): Promise<
    Answered<z.infer<Shape> & { engine: { name: string; version: string; model: string }; elapsed_ms: number }>
  > {
    const started = performance.now();
    const { model } = this.#server(stage);
    const name = this.hostName(stage);
    const headers = { "content-type": "application/json" };
    const { json, body } = await this.#post(stage, "/v1/chat/completions", {
      body: JSON.stringify(asked),
      headers,
      signal,
    });
    const response = answerWithBody(null, body);
    const [choice] = checked({ name }, chatCompletion, json, response).choices;
    if (choice?.finish_reason === "length")
      throw new EngineError(`${model} at ${name} ran out of tokens before its answer was complete: raise its limit.`, {
        status: 200,
        type: "answer-cut",
        fault: "file",
        response,
      });
    let said: unknown;
    try {
      said = JSON.parse(choice?.message.content ?? "");
    } catch (cause) {
      throw new EngineError(`${name} answered with text that is not JSON, although it was given a schema.`, {
        status: 200,
        type: "no-json",
        fault: "answer",
        response,
        cause,
      });
    }
    const answer = {
      ...(checked({ name }, schema, said, response) as z.infer<Shape> & object),
      engine: { name: "openai-compatible", version: "v1", model },
      elapsed_ms: performance.now() - started,
    };
    return { answer, response: answerWithBody(answer, body) };
  }

  /** @throws EngineError unless the server answers 2xx with JSON */
  async #post(
    stage: OpenAiStage,
    path: string,
    options: Pick<HttpRequest, "headers" | "body" | "signal">,
  ): Promise<Reply> {
    const { url, apiKey, model } = this.#server(stage);
    const host = this.hostName(stage);
    const headers = { ...options.headers, ...(apiKey && { authorization: `Bearer ${apiKey}` }) };
    let reply: Reply;
    try {
      reply = await this.#http.send({ ...options, host, url: url + path, method: "POST", headers, secret: apiKey });
      if (reply.status >= 200 && reply.status < 300 && reply.json === undefined) throw invalidJson(host, reply);
    } catch (error) {
      if (!(error instanceof EngineError) || !(error.response instanceof JsonText)) throw error;
      throw error.withResponse(answerWithBody(null, error.response));
    }
    const { status, retryAfterMs, body } = reply;
    if (status >= 200 && status < 300) return reply;
    const hint = status === 401 || status === 403 ? ` Check COFI_${stage.toUpperCase()}_OPENAI_API_KEY.` : "";
    const missing = status === 404 ? ` Is the model ${model} installed there?` : "";
    throw new EngineError(`${host} answered HTTP ${status}.${hint}${missing}`, {
      status,
      type: `http-${status}`,
      fault: faultOf(status),
      retryAfterMs,
      response: answerWithBody(null, body),
    });
  }

  #server(stage: OpenAiStage): Server {
    const found = this.#servers.get(stage);
    if (!found) throw new Error(`No OpenAI-compatible server is configured for ${stage}.`);
    return found;
  }
}

function server(stage: OpenAiStage, env: NodeJS.ProcessEnv): [OpenAiStage, Server][] {
  const variable = `COFI_${stage.toUpperCase()}_OPENAI`;
  const url = env[`${variable}_URL`]?.trim();
  if (!url) return [];
  if (!URL.canParse(url))
    throw new SettingsError(`${variable}_URL is ${JSON.stringify(url)}; expected an http:// or https:// URL.`);
  const { username, password, protocol } = new URL(url);
  if (username || password || !/^https?:$/.test(protocol))
    throw new SettingsError(
      `${variable}_URL must be an http:// or https:// URL without user and password; a key goes into ${variable}_API_KEY.`,
    );
  const model = env[`${variable}_MODEL`]?.trim();
  if (!model) throw new SettingsError(`${variable}_MODEL is not set, but ${variable}_URL is: name the model to ask.`);
  const base = url.replace(/\/+$/, "").replace(/\/v1$/, "");
  return [[stage, { url: base, model, apiKey: env[`${variable}_API_KEY`]?.trim() || null }]];
}

function faultOf(status: number): Fault {
  if (status === 429) return "busy";
  return status >= 500 || status === 408 ? "host" : "file";
}
