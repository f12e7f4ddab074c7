import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { DEFAULT_MAX_AUDIO_S } from "@cofi/engines/audio";
import { ENGINE_STAGES, startEngine } from "@cofi/engines/engine";
import { Environment } from "@cofi/event-log/environment";
import { engineToken } from "@cofi/pipeline/engine-token";
import { rawAudioSettings } from "@cofi/pipeline/raw-audio-settings";
import { abortOnSignal, aborted, dataDir } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";

export interface EngineOptions {
  host: string;
  port: string;
  filesDir?: string;
  concurrency?: string;
  untilStdinCloses?: boolean;
}

/** `cofi engine <stage>`: serves one stage's engine until it is stopped. Prints `{"url": …}` when it listens. */
export async function engineCommand(stage: string, options: EngineOptions): Promise<void> {
  if (!ENGINE_STAGES.includes(stage))
    throw new CommandError(
      `There is no engine for ${JSON.stringify(stage)}. Engines: ${ENGINE_STAGES.join(", ")}.`,
      EXIT.usage,
    );
  const env = new Environment(process.env);
  const maxAudioS = env.wholeNumber("COFI_MAX_AUDIO_S", DEFAULT_MAX_AUDIO_S, 1, 86_400);
  env.check();
  const signal = options.untilStdinCloses ? AbortSignal.any([abortOnSignal(""), stdinClosed()]) : abortOnSignal("");
  const engine = await startEngine(stage, {
    host: options.host,
    token: engineToken(process.env),
    hosts: env.list("COFI_ENGINE_HOSTS"),
    maxAudioS,
    rawAudio: rawAudioSettings(process.env),
    port: integer("--port", options.port, 0, 65_535),
    filesDir: resolve(options.filesDir ?? join(dataDir(), "files")),
    // The log goes to standard error, because standard output has the URL of the engine.
    logger: pino({ level: process.env["COFI_LOG_LEVEL"]?.trim() || "warn" }, pino.destination(2)),
    concurrency: options.concurrency ? integer("--concurrency", options.concurrency, 1, 1024) : availableParallelism(),
  });
  console.log(JSON.stringify({ url: engine.url, stage, pid: process.pid }));
  try {
    await Promise.race([engine.ready, aborted(signal)]);
  } catch (error) {
    await engine.close();
    throw error;
  }
  await aborted(signal);
  await engine.close();
  // An open standard input would keep the process alive.
  process.stdin.destroy();
}

function stdinClosed(): AbortSignal {
  const controller = new AbortController();
  process.stdin.on("end", () => controller.abort()).on("error", () => controller.abort());
  process.stdin.resume();
  return controller.signal;
}

function integer(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new CommandError(
      `${name} is ${JSON.stringify(text)}; expected a whole number from ${min} to ${max}.`,
      EXIT.usage,
    );
  return value;
}
