/** From the transcriptions of servers that speak the OpenAI protocol to the engines' contract. */
import { z } from "zod";
import type { JsonText } from "@cofi/event-log/json-text";
import type { Span } from "./audio-pieces.js";
import type { SttResponse } from "./engine-contract.js";
import { EngineError, type Fault } from "./engine-error.js";
import { languageCode } from "./whisper-languages.js";

const times = { start: z.number(), end: z.number() };
const probability = z.number().nullish().catch(null);

/** verbose_json. `avg_logprob` and `no_speech_prob` are Whisper's; vLLM gives null for both. */
export const verboseTranscription = z.looseObject({
  language: z.string().nullish(),
  text: z.string(),
  segments: z
    .array(z.looseObject({ ...times, text: z.string(), avg_logprob: probability, no_speech_prob: probability }))
    .nullish(),
  words: z.array(z.looseObject({ ...times, word: z.string() })).nullish(),
});
type Transcription = z.infer<typeof verboseTranscription>;

interface Segment extends Span {
  text: string;
  logprob: number | null;
}

/** The answer about one piece of the recording. */
export interface TranscribedPiece {
  piece: Span;
  transcription: Transcription;
}

interface About {
  /** Host, for messages. */
  name: string;
  model: string;
  /** The language that was asked for, if any. */
  asked: string | undefined;
  /** Of the whole recording. */
  durationS: number;
  elapsedMs: number;
  response: JsonText;
}

/**
 * The transcript in the engines' contract, in the recording's own time. Words that were put outside of the audio were not said
 * in it; how many segments were left out for that reason, `segments_left_out` says.
 * @throws EngineError for text without the time at which it was said, and where most segments of a piece lie outside of it
 */
export function transcriptOf(parts: readonly TranscribedPiece[], about: About): SttResponse {
  const { model, asked, durationS, elapsedMs } = about;
  const found = parts.map((part) => segmentsOf(part, about));
  const heard = found.flatMap(({ segments: inside }) => inside);
  const outside = found.reduce((sum, part) => sum + part.outside, 0);
  // A server that does not know fills the field with zeros: no recogniser is that sure of every word.
  const isPlaceholder = heard.every(({ logprob }) => logprob === null || logprob === 0);
  const confidenceOf = ({ logprob }: Segment): number | null =>
    logprob === null || isPlaceholder ? null : Math.min(1, Math.exp(logprob));
  const segments = heard.map((segment, id) => ({
    id,
    start_s: segment.start_s,
    end_s: segment.end_s,
    text: segment.text,
    confidence: confidenceOf(segment),
  }));
  const known = segments.flatMap(({ confidence }) => (confidence === null ? [] : [confidence]));
  const spoken = parts.find(({ transcription }) => transcription.language)?.transcription.language;
  return {
    engine: { name: "openai-compatible", version: "v1", model },
    elapsed_ms: elapsedMs,
    language: languageCode(spoken ?? asked ?? "und"),
    duration_s: durationS,
    text: segments.map(({ text }) => text).join(" "),
    confidence: known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
    segments,
    model,
    ...(outside > 0 && { segments_left_out: outside }),
  };
}

/** How far beyond the audio a server may put words: Whisper rounds, and pads what it is given. */
const TOLERANCE_S = 1;

function segmentsOf(
  { piece, transcription }: TranscribedPiece,
  { name, response }: About,
): { segments: Segment[]; outside: number } {
  const { text, segments, words } = transcription;
  const given: (Omit<Segment, keyof Span> & { start: number; end: number; isSpeech: boolean })[] = segments?.length
    ? segments.map(({ avg_logprob: logprob = null, no_speech_prob: silence, ...rest }) => ({
        ...rest,
        logprob,
        isSpeech: !isSilence(silence ?? null, logprob),
      }))
    : phrasesOf(words ?? []).map((phrase) => ({ ...phrase, logprob: null, isSpeech: true }));
  if (given.length === 0 && text.trim() !== "")
    throw refused(
      `${name} gave text but no segments: evidence needs the time at which it was said. ` +
        "Use a server and model that answer response_format verbose_json.",
      { type: "not-supported", fault: "file", response },
    );
  const spoken = given.filter(({ isSpeech, text: said }) => isSpeech && said.trim() !== "");
  const length = piece.end_s - piece.start_s;
  const isInside = ({ start, end }: { start: number; end: number }): boolean =>
    start >= -TOLERANCE_S && start <= length + TOLERANCE_S && end >= start;
  const [outside] = spoken.filter((one) => !isInside(one));
  const kept = spoken.filter(isInside);
  if (outside && kept.length < spoken.length / 2)
    throw refused(
      `${name} put words at ${outside.start} s to ${outside.end} s of audio that is ${length.toFixed(1)} s long, and ` +
        `${spoken.length - kept.length} of its ${spoken.length} segments outside of it: its answer is refused.`,
      { type: "segment-outside", fault: "answer", response },
    );
  const inside = (time: number): number => piece.start_s + Math.min(Math.max(time, 0), length);
  const segmentsInside = kept.map(({ start, end, text: said, logprob }) => ({
    start_s: inside(start),
    end_s: inside(end),
    text: said.trim(),
    logprob,
  }));
  return { segments: segmentsInside, outside: spoken.length - kept.length };
}

function refused(message: string, init: { type: string; fault: Fault; response: JsonText }): EngineError {
  return new EngineError(message, { status: 200, ...init });
}

/** Whisper's own rule (`no_speech_threshold`, `logprob_threshold`): words that it heard in silence and is not sure of. */
function isSilence(noSpeech: number | null, logprob: number | null): boolean {
  return noSpeech !== null && logprob !== null && noSpeech > 0.6 && logprob < -1;
}

/** A pause, or a phrase, that ends one when a server gives words alone. */
const PAUSE_S = 0.8;
const LONGEST_PHRASE_S = 15;

interface Phrase {
  start: number;
  end: number;
  text: string;
}

function phrasesOf(words: readonly { start: number; end: number; word: string }[]): Phrase[] {
  // faster-whisper keeps the space before a word, OpenAI takes it away.
  const between = words.some(({ word }) => /^\s/.test(word)) ? "" : " ";
  const phrases: Phrase[] = [];
  for (const { start, end, word } of words) {
    const last = phrases.at(-1);
    const isNew =
      !last || start - last.end > PAUSE_S || end - last.start > LONGEST_PHRASE_S || /[.?!।。？！]\s*$/u.test(last.text);
    if (isNew) phrases.push({ start, end, text: word });
    else Object.assign(last, { end: Math.max(end, last.end), text: `${last.text}${between}${word}` });
  }
  return phrases;
}
