/** Which stages are answered by servers that speak the OpenAI protocol, by the settings `COFI_<STAGE>_OPENAI_…`. */
import { Environment, SettingsError } from "@cofi/event-log/environment";
import { baseUrls } from "./base-urls.js";

export type OpenAiStage = "stt" | "llm1" | "llm2";
const STAGES: readonly OpenAiStage[] = ["stt", "llm1", "llm2"];

/** The servers of a stage: each has the same model and takes the same key. */
export interface ModelServer {
  readonly stage: OpenAiStage;
  /** Up to and without `/v1`. */
  readonly urls: readonly string[];
  readonly model: string;
  readonly apiKey: string | null;
  /** Files in progress at once on each; null: as many as on any engine host. */
  readonly slots: number | null;
}

/** How the variables of a stage begin. */
export function variableOf(stage: OpenAiStage): string {
  return `COFI_${stage.toUpperCase()}_OPENAI`;
}

/** By stage; a stage without a URL is not there. @throws SettingsError */
export function modelServers(variables: NodeJS.ProcessEnv): Map<OpenAiStage, ModelServer> {
  const env = new Environment(variables);
  const servers = STAGES.flatMap((stage): [OpenAiStage, ModelServer][] => {
    const variable = variableOf(stage);
    const urls = baseUrls(`${variable}_URL`, variables)?.map((url) => url.replace(/\/v1$/, ""));
    if (!urls) return [];
    const model = env.text(`${variable}_MODEL`);
    if (!model) throw new SettingsError(`${variable}_MODEL is not set, but ${variable}_URL is: name the model to ask.`);
    const slots = env.wholeNumber(`${variable}_SLOTS`, 0, 1, 1024) || null;
    return [[stage, { stage, urls, model, apiKey: env.text(`${variable}_API_KEY`) ?? null, slots }]];
  });
  env.check();
  return new Map(servers);
}

/** The most that the servers of stt take in one request. */
export interface AudioLimits {
  maxBytes: number;
  maxSeconds: number;
}

/** @throws SettingsError */
export function audioLimits(variables: NodeJS.ProcessEnv): AudioLimits {
  const env = new Environment(variables);
  const limits = {
    maxBytes: env.wholeNumber("COFI_STT_OPENAI_MAX_MB", 25, 1, 2_000) * 1_000_000,
    maxSeconds: env.wholeNumber("COFI_STT_OPENAI_MAX_S", 1_400, 1, 86_400),
  };
  env.check();
  return limits;
}
