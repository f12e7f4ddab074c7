/**
 * `stt`, `llm1` and `llm2` answered by servers that speak the OpenAI protocol: vLLM, Ollama, llama.cpp, speaches.
 * What comes back is translated to the engines' contract and checked against it.
 */
import { tmpdir } from "node:os";
import type { z } from "zod";
import type { Json } from "@cofi/event-log/events";
import { JsonText } from "@cofi/event-log/json-text";
import { piecesOf, SHORTEST_S, type Span } from "./audio-pieces.js";
import { checked, type Answered, type EngineAddress } from "./engine-client.js";
import { audit, extraction, type Llm1Response, type Llm2Response, type SttResponse } from "./engine-contract.js";
import { EngineError } from "./engine-error.js";
import type { Reply } from "./http-client.js";
import { answerWithBody } from "./logged-answer.js";
import { transcriptOf, verboseTranscription, type TranscribedPiece } from "./openai-answers.js";
import { answerIn, chatCompletion } from "./openai-content.js";
import { OpenAiHttp } from "./openai-http.js";
import { modelIsReady } from "./openai-readiness.js";
import {
  chatRequest,
  formOf,
  nextMode,
  transcriptionRequest,
  type JsonMode,
  type TranscriptionRequest,
} from "./openai-requests.js";
import { audioLimits, modelServers, type AudioLimits, type ModelServer, type OpenAiStage } from "./openai-servers.js";
import { rawAudioSettings } from "./raw-audio-settings.js";
import { cutAudio, secondsIn, type CutAudio, type CutOptions } from "./recording-audio.js";

type ChatStage = "llm1" | "llm2";

/** A recording whose conversation is to be transcribed. */
export interface SpokenRecording {
  fileName: string;
  path: string;
  durationS: number;
  /** The conversation in it. */
  trim: Span;
  /** ISO 639-1; null lets the server find out. */
  language: string | null;
  /** The speech in it, to find the silences in which one is cut that is too long for a server. */
  speech: () => Promise<readonly Span[]>;
}

/** The response of each answer, also of those that an EngineError refuses, is {@link answerWithBody}. */
export class OpenAiEngines {
  readonly #servers: ReadonlyMap<OpenAiStage, ModelServer>;
  readonly #http: OpenAiHttp;
  /** How a server is asked for JSON since it refused to be asked otherwise, by stage and URL. */
  readonly #modes = new Map<string, JsonMode>();
  readonly #limits: AudioLimits;
  /** The audio of requests that are about to be sent: it is made for their hash. */
  readonly #audio = new Map<TranscriptionRequest, CutAudio>();
  readonly #folder: string;
  readonly #rawAudio: CutOptions["rawAudio"];

  /**
   * Reads `COFI_<STAGE>_OPENAI_…`.
   * @param folder on whose disk the audio lies that is being sent
   * @throws SettingsError
   */
  constructor(env: NodeJS.ProcessEnv, requestTimeoutMs: number, folder = tmpdir()) {
    this.#folder = folder;
    this.#servers = modelServers(env);
    this.#limits = audioLimits(env);
    this.#rawAudio = rawAudioSettings(env);
    this.#http = new OpenAiHttp(requestTimeoutMs);
  }

  /** Whether servers are configured for the stage; they are then asked in place of its engines. */
  answers(stage: OpenAiStage): boolean {
    return this.#servers.has(stage);
  }

  /** The servers of a stage; null for one that none is configured for. */
  serverOf(stage: string): ModelServer | null {
    return [...this.#servers.values()].find((server) => server.stage === stage) ?? null;
  }

  /** Looks whether a host has loaded, takes the key and has the model. @throws EngineError when it is not ready */
  look(server: ModelServer, host: EngineAddress, signal: AbortSignal): Promise<void> {
    return modelIsReady(this.#http, server, host, signal);
  }

  /**
   * What {@link transcribe} sends about the conversation in a recording: one request, or several where it is too long for one.
   * Its audio is kept on disk until it was sent; {@link forget} it where it is not.
   * @throws EngineError when its audio cannot be decoded
   */
  async transcription(
    recording: SpokenRecording,
    signal: AbortSignal,
  ): Promise<TranscriptionRequest | TranscriptionRequest[]> {
    const { model } = this.#server("stt");
    const { path, trim, durationS } = recording;
    // A trim that leaves nothing is no reason to send nothing: whether something is said, the server hears.
    const span = trim.end_s - trim.start_s < SHORTEST_S ? { start_s: 0, end_s: durationS } : trim;
    const longest = Math.min(this.#limits.maxSeconds, secondsIn(this.#limits.maxBytes));
    const speech = span.end_s - span.start_s > longest ? await recording.speech() : [];
    const requests: TranscriptionRequest[] = [];
    const pieces = piecesOf(span, speech, longest);
    for (const piece of pieces) {
      const audio = await this.#cut(path, piece, signal);
      const request = transcriptionRequest({ model, ...recording }, piece, audio);
      // The pieces of a long recording are made again one by one, so that each slot needs the room of one.
      if (pieces.length === 1) this.#audio.set(request, audio);
      else await audio.close();
      requests.push(request);
    }
    const [only, ...others] = requests;
    return only && others.length === 0 ? only : requests;
  }

  /**
   * What {@link extract} or {@link audit} sends to a host; `input` is what the engine of the stage would be asked. `refused`:
   * why an earlier answer to the same question was refused.
   */
  chat(stage: ChatStage, host: EngineAddress, input: Json, refused: string | null = null): Json {
    const { model } = this.#server(stage);
    return chatRequest({ stage, model, mode: this.#modes.get(key(stage, host)) ?? "json_schema", refused }, input);
  }

  /**
   * Remembers that a host refused to be asked for JSON as in `request`: {@link chat} asks it in another way from now on.
   * @returns how; null when there is no other way
   */
  askOtherwise(stage: ChatStage, host: EngineAddress, request: Json): JsonMode | null {
    const mode = nextMode(request);
    if (mode === null) return null;
    // A question that was on its way before another one was refused must not bring back a way that was refused.
    if (this.#modes.get(key(stage, host)) !== "words") this.#modes.set(key(stage, host), mode);
    return mode;
  }

  /** `asked`: of {@link transcription}. Segment times are those of the recording. @throws EngineError */
  async transcribe(
    host: EngineAddress,
    asked: TranscriptionRequest | TranscriptionRequest[],
    { path, durationS }: Pick<SpokenRecording, "path" | "durationS">,
    signal: AbortSignal,
  ): Promise<Answered<SttResponse>> {
    const started = performance.now();
    const parts: TranscribedPiece[] = [];
    const bodies: string[] = [];
    const requests = Array.isArray(asked) ? asked : [asked];
    for (const request of requests) {
      const reply = await this.#sendAudio(host, request, path, signal);
      const transcription = checked(host, verboseTranscription, reply.json, answerWithBody(null, reply.body));
      parts.push({ piece: request.file, transcription });
      bodies.push(reply.body.text);
    }
    const body = new JsonText(Array.isArray(asked) ? `[${bodies.join()}]` : bodies.join());
    const { model } = this.#server("stt");
    const language = requests[0]?.language;
    const elapsedMs = performance.now() - started;
    const about = { name: host.name, model, asked: language, durationS, elapsedMs };
    const answer = transcriptOf(parts, { ...about, response: answerWithBody(null, body) });
    return { answer, response: answerWithBody(answer, body) };
  }

  #cut(path: string, piece: Span, signal: AbortSignal): Promise<CutAudio> {
    return cutAudio(path, piece, { folder: this.#folder, rawAudio: this.#rawAudio, signal });
  }

  /** Sends the audio that the request speaks of, and nothing else. */
  async #sendAudio(
    host: EngineAddress,
    request: TranscriptionRequest,
    path: string,
    signal: AbortSignal,
  ): Promise<Reply> {
    try {
      const audio = this.#audio.get(request) ?? (await this.#cut(path, request.file, signal));
      this.#audio.set(request, audio);
      if (audio.sha256 !== request.file.sha256)
        throw new EngineError("The recording has changed since its audio was cut for this request.", {
          status: null,
          type: "audio-changed",
          fault: "answer",
        });
      const form = { ...formOf(request, audio), signal };
      return await this.#http.post(this.#server("stt"), host, "/v1/audio/transcriptions", form);
    } finally {
      await this.forget(request);
    }
  }

  /** Gives the room on disk back that the audio of these requests takes, which may not have been sent. Idempotent. */
  async forget(asked: TranscriptionRequest | TranscriptionRequest[]): Promise<void> {
    for (const request of [asked].flat()) {
      await this.#audio.get(request)?.close();
      this.#audio.delete(request);
    }
  }

  /** `asked`: of {@link chat}. @throws EngineError */
  async extract(host: EngineAddress, asked: Json, signal: AbortSignal): Promise<Answered<Llm1Response>> {
    return this.#complete("llm1", host, asked, extraction, signal);
  }

  /** `asked`: of {@link chat}. @throws EngineError */
  async audit(host: EngineAddress, asked: Json, signal: AbortSignal): Promise<Answered<Llm2Response>> {
    return this.#complete("llm2", host, asked, audit, signal);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #complete<Shape extends z.ZodType>(
    stage: ChatStage,
    host: EngineAddress,
    asked: Json,
    schema: Shape,
    signal: AbortSignal,
  ): Promise<
    Answered<z.infer<Shape> & { engine: { name: string; version: string; model: string }; elapsed_ms: number }>
  > {
    const started = performance.now();
    const server = this.#server(stage);
    const { model } = server;
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(asked);
    const reply = await this.#http.post(server, host, "/v1/chat/completions", { body, headers, signal });
    const response = answerWithBody(null, reply.body);
    const completion = checked(host, chatCompletion, reply.json, response);
    const said = answerIn(completion, schema, { model, name: host.name, response });
    const answer = {
      ...(said as z.infer<Shape> & object),
      engine: { name: "openai-compatible", version: "v1", model },
      elapsed_ms: performance.now() - started,
    };
    return { answer, response: answerWithBody(answer, reply.body) };
  }

  #server(stage: OpenAiStage): ModelServer {
    const found = this.#servers.get(stage);
    if (!found) throw new Error(`No OpenAI-compatible server is configured for ${stage}.`);
    return found;
  }
}

function key(stage: ChatStage, { url }: EngineAddress): string {
  return `${stage} ${url}`;
}
