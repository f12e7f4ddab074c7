/**
 * `stt`, `llm1` and `llm2` answered by servers that speak the OpenAI protocol: vLLM, Ollama, llama.cpp, speaches.
 * What comes back is translated to the engines' contract and checked against it.
 */
import { openAsBlob } from "node:fs";
import { fetch, Agent, FormData, type Response } from "undici";
import { z } from "zod";
import { SettingsError } from "@cofi/event-log/environment";
import { checked, EngineError, readRetryAfter } from "./engine-client.js";
import { audit, extraction, type Llm1Response, type Llm2Response, type SttResponse } from "./engine-contract.js";

export type OpenAiStage = "stt" | "llm1" | "llm2";
const STAGES: readonly OpenAiStage[] = ["stt", "llm1", "llm2"];

interface Server {
  /** Up to and without `/v1`. */
  url: string;
  model: string;
  apiKey: string | null;
}

/** verbose_json. vLLM sends `duration` as a string; `avg_logprob` and `no_speech_prob` are Whisper's. */
const verboseTranscription = z.looseObject({
  language: z.string().nullish(),
  duration: z.coerce.number().nonnegative().nullish(),
  text: z.string(),
  segments: z
    .array(z.looseObject({ start: z.number(), end: z.number(), text: z.string(), avg_logprob: z.number().nullish() }))
    .nullish(),
});

const chatCompletion = z.looseObject({
  model: z.string().nullish(),
  choices: z
    .array(
      z.looseObject({
        finish_reason: z.string().nullish(),
        message: z.looseObject({ content: z.string().nullable() }),
      }),
    )
    .min(1),
});

/** Whisper names languages in English where others use codes. */
const LANGUAGE_CODES: Readonly<Record<string, string>> = {
  english: "en",
  hindi: "hi",
  spanish: "es",
  french: "fr",
  italian: "it",
  german: "de",
  russian: "ru",
  gujarati: "gu",
  marathi: "mr",
  tamil: "ta",
};

export class OpenAiEngines {
  readonly #servers: ReadonlyMap<OpenAiStage, Server>;
  readonly #agent: Agent;
  readonly #requestTimeoutMs: number;

  /** Reads `COFI_<STAGE>_OPENAI_URL`, `_MODEL` and `_API_KEY`. @throws SettingsError */
  constructor(env: NodeJS.ProcessEnv, requestTimeoutMs: number) {
    this.#servers = new Map(STAGES.flatMap((stage) => server(stage, env)));
    this.#requestTimeoutMs = requestTimeoutMs;
    // The deadline of the whole request covers the waits within it.
    this.#agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } });
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

  model(stage: OpenAiStage): string {
    return this.#server(stage).model;
  }

  /** Transcribes the whole recording at `path`. Segment times are those of the recording. @throws EngineError */
  async transcribe(fileName: string, path: string, language: string | null, signal: AbortSignal): Promise<SttResponse> {
    const started = performance.now();
    const { url, model } = this.#server("stt");
    const form = new FormData();
    form.set("file", await openAsBlob(path), fileName);
    form.set("model", model);
    form.set("response_format", "verbose_json");
    form.set("timestamp_granularities[]", "segment");
    if (language) form.set("language", language);
    const answer = await this.#post("stt", `${url}/v1/audio/transcriptions`, { body: form }, signal);
    const transcription = checked({ name: this.hostName("stt") }, verboseTranscription, answer);
    const segments = (transcription.segments ?? []).map(({ start, end, text, avg_logprob: logprob }, id) => ({
      id,
      start_s: Math.max(0, start),
      end_s: Math.max(0, end),
      text: text.trim(),
      confidence: logprob === null || logprob === undefined ? null : Math.min(1, Math.exp(logprob)),
    }));
    if (segments.length === 0 && transcription.text.trim() !== "")
      throw new EngineError(
        `${this.hostName("stt")} gave text but no segments: evidence needs the time at which it was said. ` +
          "Use a server and model that answer response_format verbose_json.",
        { status: 200, type: "not-supported", retryable: false, response: answer },
      );
    const known = segments.flatMap(({ confidence }) => (confidence === null ? [] : [confidence]));
    const spoken = transcription.language?.toLowerCase() ?? language ?? "und";
    return {
      engine: { name: "openai-compatible", version: "v1", model },
      elapsed_ms: performance.now() - started,
      language: LANGUAGE_CODES[spoken] ?? spoken,
      duration_s: transcription.duration ?? segments.at(-1)?.end_s ?? 0,
      text: transcription.text.trim(),
      confidence: known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
      segments,
      model,
    };
  }

  /** `payload` as for the engine of llm1. @throws EngineError */
  async extract(payload: unknown, signal: AbortSignal): Promise<Llm1Response> {
    return this.#chat("llm1", EXTRACTION_PROMPT, payload, extraction, signal);
  }

  /** `payload` as for the engine of llm2. @throws EngineError */
  async audit(payload: unknown, signal: AbortSignal): Promise<Llm2Response> {
    return this.#chat("llm2", AUDIT_PROMPT, payload, audit, signal);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #chat<Shape extends z.ZodType>(
    stage: OpenAiStage,
    prompt: string,
    payload: unknown,
    schema: Shape,
    signal: AbortSignal,
  ): Promise<z.infer<Shape> & { engine: { name: string; version: string; model: string }; elapsed_ms: number }> {
    const started = performance.now();
    const { url, model } = this.#server(stage);
    const body = {
      model,
      temperature: 0,
      messages: [
        { role: "system", content: prompt },
        { role: "user", content: JSON.stringify(payload) },
      ],
      response_format: {
        type: "json_schema",
        json_schema: { name: stage, strict: true, schema: z.toJSONSchema(schema) },
      },
    };
    const name = this.hostName(stage);
    const answer = await this.#post(
      stage,
      `${url}/v1/chat/completions`,
      { body: JSON.stringify(body), headers: { "content-type": "application/json" } },
      signal,
    );
    const [choice] = checked({ name }, chatCompletion, answer).choices;
    if (choice?.finish_reason === "length")
      throw new EngineError(`${model} at ${name} ran out of tokens before its answer was complete: raise its limit.`, {
        status: 200,
        type: "answer-cut",
        retryable: false,
        response: answer,
      });
    const content = choice?.message.content ?? "";
    let parsed: unknown;
    try {
      parsed = JSON.parse(content);
    } catch (error) {
      throw new EngineError(`${name} answered text that is no JSON, although it was given a schema.`, {
        status: 200,
        type: "no-json",
        retryable: true,
        response: answer,
        cause: error,
      });
    }
    return {
      ...(checked({ name }, schema, parsed) as z.infer<Shape> & object),
      engine: { name: "openai-compatible", version: "v1", model },
      elapsed_ms: performance.now() - started,
    };
  }

  async #post(
    stage: OpenAiStage,
    url: string,
    { headers, body }: { headers?: Record<string, string>; body: string | FormData },
    stop: AbortSignal,
  ): Promise<unknown> {
    const { apiKey } = this.#server(stage);
    const name = this.hostName(stage);
    const deadline = AbortSignal.timeout(this.#requestTimeoutMs);
    const authorization = apiKey ? { authorization: `Bearer ${apiKey}` } : {};
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: { ...headers, ...authorization },
        body,
        signal: AbortSignal.any([stop, deadline]),
        dispatcher: this.#agent,
      });
      text = await response.text();
    } catch (error) {
      const late = deadline.aborted && !stop.aborted;
      const cause = late
        ? `nothing within ${this.#requestTimeoutMs / 1000} s (COFI_ENGINE_TIMEOUT_S)`
        : (((error as Error).cause ?? error) as Error).message;
      throw new EngineError(`${name} (${url}) gave no answer: ${cause}.`, {
        status: null,
        type: stop.aborted ? "stopped" : late ? "timeout" : "no-answer",
        retryable: true,
        cause: error,
      });
    }
    let answer: unknown = text;
    try {
      answer = JSON.parse(text);
    } catch {
      // Proxies answer errors as HTML: the text itself goes into the log.
    }
    if (response.ok) return answer;
    const { status } = response;
    const hint = status === 401 || status === 403 ? ` Check COFI_${stage.toUpperCase()}_OPENAI_API_KEY.` : "";
    const missing = status === 404 ? ` Is the model ${this.model(stage)} installed there?` : "";
    throw new EngineError(`${name} answered HTTP ${status}.${hint}${missing}`, {
      status,
      type: `http-${status}`,
      retryable: status >= 500 || status === 429 || status === 408,
      retryAfterMs: readRetryAfter(response.headers.get("retry-after")),
      response: answer,
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

const EVIDENCE_RULE =
  "Every quote must be copied verbatim from the text of the segment whose id you give, with that segment's start_s and end_s. " +
  "Never infer what was not said: use null, or leave the item out. Confidence is between 0 and 1.";

const EXTRACTION_PROMPT =
  "You read the transcript of a phone call between a broker's dealer and a client and list every order spoken of, as JSON. " +
  "An order has action NEW, MODIFY or CANCEL. A question about a price, a quotation or advice is no order. Later words amend earlier ones: " +
  "give the order as it finally stands. quantity counts shares or lots as unit says; price null with price_type MARKET for market orders. " +
  "symbol is the exchange's symbol, symbol_spoken the words used. read_back: the dealer repeated the order. client_confirmed: the client agreed after that. " +
  "client_identity is who the client says they are. " +
  EVIDENCE_RULE;

const AUDIT_PROMPT =
  "You audit the transcript of a phone call between a broker's dealer and a client. Answer each question in the order asked, as JSON: " +
  "YES, NO, UNCLEAR when the transcript does not tell, NA when the question does not apply. rationale is one plain sentence. " +
  EVIDENCE_RULE;
