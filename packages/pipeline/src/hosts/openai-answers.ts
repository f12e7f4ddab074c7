/** From the answers of servers that speak the OpenAI protocol to the engines' contract. */
import { z } from "zod";
import type { SttResponse } from "./engine-contract.js";

/** verbose_json. vLLM sends `duration` as a string; `avg_logprob` and `no_speech_prob` are Whisper's. */
export const verboseTranscription = z.looseObject({
  language: z.string().nullish(),
  duration: z.coerce.number().nonnegative().nullish(),
  text: z.string(),
  segments: z
    .array(z.looseObject({ start: z.number(), end: z.number(), text: z.string(), avg_logprob: z.number().nullish() }))
    .nullish(),
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

/**
 * The transcript in the engines' contract, in the recording's own time; null when the server gave text without saying when
 * it was said. `asked` is the language that was asked for, if any.
 */
export function transcriptOf(
  transcription: z.infer<typeof verboseTranscription>,
  { model, asked, elapsedMs }: { model: string; asked: string | undefined; elapsedMs: number },
): SttResponse | null {
  const segments = (transcription.segments ?? []).map(({ start, end, text, avg_logprob: logprob }, id) => ({
    id,
    start_s: Math.max(0, start),
    end_s: Math.max(0, end),
    text: text.trim(),
    confidence: logprob === null || logprob === undefined ? null : Math.min(1, Math.exp(logprob)),
  }));
  if (segments.length === 0 && transcription.text.trim() !== "") return null;
  const known = segments.flatMap(({ confidence }) => (confidence === null ? [] : [confidence]));
  const spoken = transcription.language?.toLowerCase() ?? asked ?? "und";
  return {
    engine: { name: "openai-compatible", version: "v1", model },
    elapsed_ms: elapsedMs,
    language: LANGUAGE_CODES[spoken] ?? spoken,
    duration_s: transcription.duration ?? segments.at(-1)?.end_s ?? 0,
    text: transcription.text.trim(),
    confidence: known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
    segments,
    model,
  };
}
