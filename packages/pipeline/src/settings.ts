/** Limits and choices of the pipeline: environment variables, validated, each with its default here and in .env.example. */
import { cpus } from "node:os";
import { z } from "zod";
import { SettingsError } from "@cofi/event-log/settings";

function wholeNumber(fallback: number, min: number, max: number) {
  const message = `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .default(fallback);
}

const schema = z.object({
  /** Tries of a file in a stage before it is marked failed. */
  COFI_ATTEMPTS: wholeNumber(3, 1, 100),
  /** Pause before the second try; it doubles with each further one, up to a minute, with jitter. */
  COFI_RETRY_DELAY_MS: wholeNumber(500, 1, 3_600_000),
  /** Files in work at once on one engine host. */
  COFI_SLOTS_PER_HOST: wholeNumber(cpus().length, 1, 1024),
  /** Longest wait for an engine's answer about one file. */
  COFI_ENGINE_TIMEOUT_S: wholeNumber(3_600, 1, 86_400),
  /** Longest wait for an engine to load its model. */
  COFI_ENGINE_START_TIMEOUT_S: wholeNumber(300, 1, 86_400),
  /** After Ctrl-C: how long the files in work may take to finish. */
  COFI_GRACE_PERIOD_S: wholeNumber(20, 0, 3600),
  /** A payload or response beyond it is stored cut, with its size and hash. */
  COFI_MAX_PAYLOAD_BYTES: wholeNumber(4 * 1024 * 1024, 1024, 16_000_000),
  /** all: transcribe every call with a row; matched: only those that triage found for a trade. */
  COFI_STT_SCOPE: z.enum(["all", "matched"], "expected all or matched").default("all"),
  /** process: acknowledged events survive a killed process; power: also a power cut, at one fsync a commit. */
  COFI_EVENT_DURABILITY: z.enum(["process", "power"], "expected process or power").default("process"),
});

export interface PipelineSettings {
  attempts: number;
  retryDelayMs: number;
  slotsPerHost: number;
  requestTimeoutMs: number;
  engineStartTimeoutMs: number;
  gracePeriodMs: number;
  maxPayloadBytes: number;
  sttScope: "all" | "matched";
  durability: "process" | "power";
}

/** @throws SettingsError naming the variable, what was found and what is expected */
export function pipelineSettings(env: NodeJS.ProcessEnv): PipelineSettings {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const { success, data, error } = schema.safeParse(set);
  if (!success) {
    const [issue] = error.issues;
    const name = String(issue?.path[0]);
    throw new SettingsError(`${name} is ${JSON.stringify(env[name])}; ${issue?.message}.`);
  }
  return {
    attempts: data.COFI_ATTEMPTS,
    retryDelayMs: data.COFI_RETRY_DELAY_MS,
    slotsPerHost: data.COFI_SLOTS_PER_HOST,
    requestTimeoutMs: data.COFI_ENGINE_TIMEOUT_S * 1000,
    engineStartTimeoutMs: data.COFI_ENGINE_START_TIMEOUT_S * 1000,
    gracePeriodMs: data.COFI_GRACE_PERIOD_S * 1000,
    maxPayloadBytes: data.COFI_MAX_PAYLOAD_BYTES,
    sttScope: data.COFI_STT_SCOPE,
    durability: data.COFI_EVENT_DURABILITY,
  };
}
