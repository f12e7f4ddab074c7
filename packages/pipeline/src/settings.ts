/** Limits and choices of the pipeline: environment variables, validated, each with its default here and in .env.example. */
import { cpus } from "node:os";
import { Environment } from "@cofi/event-log/environment";

export interface PipelineSettings {
  /** Attempts of a file in a stage before it is marked failed. */
  attempts: number;
  /** Pause before the second attempt; it doubles with each further one, up to a minute, with jitter. */
  retryDelayMs: number;
  /** Files in progress at once on one engine host. */
  slotsPerHost: number;
  /** Longest wait for an engine's answer about one file; most end sooner, by what others took. */
  requestTimeoutMs: number;
  /** Longest wait for any host of a stage to be there, such as one that loads its model. */
  engineStartTimeoutMs: number;
  /** After Ctrl-C or SIGTERM: the run ends within it, and files in progress may finish until shortly before. */
  gracePeriodMs: number;
  /**
   * How long the right to run a batch outlives its last renewal, which happens three times as often. The default is twice the
   * longest time that a query may take (30 s): one that is never answered does not cost the lease.
   */
  leaseMs: number;
  /** A payload or response beyond it is stored cut, with its size and hash. */
  maxPayloadBytes: number;
  /** Whether a file goes on to the next stage while others are still in this one: wherever it can, never, or where the stages have machines of their own. */
  flow: "pipelined" | "stages" | "auto";
  /** all: transcribe every call with a row; matched: only those that triage found for a trade. */
  sttScope: "all" | "matched";
  /** A transcript whose recogniser gave no confidence: listen: a person has to; trust: it is relied on, and the reason says so. */
  unknownConfidence: "listen" | "trust";
  /** process: acknowledged events survive a killed process; power: also a power cut, at one fsync a commit. */
  durability: "process" | "power";
}

/** @throws SettingsError naming each variable that is wrong, what was found and what is expected */
export function pipelineSettings(variables: NodeJS.ProcessEnv): PipelineSettings {
  const env = new Environment(variables);
  const settings: PipelineSettings = {
    attempts: env.wholeNumber("COFI_ATTEMPTS", 3, 1, 100),
    retryDelayMs: env.wholeNumber("COFI_RETRY_DELAY_MS", 500, 1, 3_600_000),
    slotsPerHost: env.wholeNumber("COFI_SLOTS_PER_HOST", cpus().length, 1, 1024),
    requestTimeoutMs: env.wholeNumber("COFI_ENGINE_TIMEOUT_S", 3_600, 1, 86_400) * 1_000,
    engineStartTimeoutMs: env.wholeNumber("COFI_ENGINE_START_TIMEOUT_S", 300, 1, 86_400) * 1_000,
    gracePeriodMs: env.wholeNumber("COFI_GRACE_PERIOD_S", 20, 0, 3_600) * 1_000,
    leaseMs: env.wholeNumber("COFI_LEASE_S", 60, 5, 3_600) * 1_000,
    maxPayloadBytes: env.wholeNumber("COFI_MAX_PAYLOAD_BYTES", 4 * 1024 * 1024, 1_024, 16_000_000),
    flow: env.choice("COFI_FLOW", "auto", ["auto", "pipelined", "stages"]),
    sttScope: env.choice("COFI_STT_SCOPE", "all", ["all", "matched"]),
    unknownConfidence: env.choice("COFI_UNKNOWN_CONFIDENCE", "listen", ["listen", "trust"]),
    durability: env.choice("COFI_EVENT_DURABILITY", "process", ["process", "power"]),
  };
  env.check();
  return settings;
}
