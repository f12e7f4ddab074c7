import type { FastifyBaseLogger } from "fastify";
import type { AudioLimits } from "../audio/audio.js";
import type { EngineAccess } from "./access.js";
import { createEngineServer } from "./server.js";
import type { StageEngine } from "./stage-engine.js";

type EngineModule = Promise<{ createEngine(limits: AudioLimits): StageEngine }>;

/** The stages that run as engines. `file_distribution` is the file routes alone. */
const ENGINES: Record<string, (() => EngineModule) | null> = {
  file_distribution: null,
  denoise: () => import("../denoise/denoise.js"),
  ivr: () => import("../ivr/ivr.js"),
  lid: () => import("../lid/lid.js"),
  stt: () => import("../stt/stt.js"),
  llm1: () => import("../text/llm1.js"),
  llm2: () => import("../text/llm2.js"),
};

/** The stages that `startEngine` knows. */
export const ENGINE_STAGES: readonly string[] = Object.keys(ENGINES);

export interface StartEngineOptions extends EngineAccess, AudioLimits {
  /** Default 127.0.0.1. Beyond loopback only with a token. */
  host?: string;
  /** 0 takes a free port. */
  port: number;
  /** Folder for recordings; engines on one host share it. */
  filesDir: string;
  concurrency?: number;
  maxFileBytes?: number;
  logger?: FastifyBaseLogger;
}

export interface RunningEngine {
  url: string;
  /** Resolves when the models are loaded; rejects with the reason when they cannot be. */
  ready: Promise<void>;
  /** Waits for the files in flight, then stops. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts the engine of a stage as an HTTP service (docs/engines.md). Resolves when it listens; until `ready` its
 * `GET /health` answers 503. Throws a `RangeError` for a stage without an engine, and an
 * `OpenEngineError` where it would listen beyond loopback without a token.
 */
export async function startEngine(stage: string, options: StartEngineOptions): Promise<RunningEngine> {
  const load = Object.hasOwn(ENGINES, stage) ? ENGINES[stage] : undefined;
  if (load === undefined) {
    throw new RangeError(`No engine for the stage "${stage}". Engines: ${ENGINE_STAGES.join(", ")}.`);
  }
  const { host = "127.0.0.1", port, maxAudioS, rawAudio, ...serverOptions } = options;
  const engine = load === null ? {} : { engine: (await load()).createEngine({ maxAudioS, rawAudio }) };
  const server = await createEngineServer({ ...serverOptions, ...engine, stage });
  const url = await server.listen(host, port);
  const ready = server.ready();
  // Whoever does not look at `ready` still sees the reason in /health.
  ready.catch(() => undefined);
  return { url, ready, close: () => server.close() };
}
