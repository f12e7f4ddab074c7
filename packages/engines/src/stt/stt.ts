import { z } from "zod";
import { decodeAudio, type AudioLimits } from "../audio/audio.js";
import { ENGINES_VERSION } from "../server/package-version.js";
import { Pocketsphinx } from "./pocketsphinx.js";
import { parseSpeechRequest, requestedFile } from "./pocketsphinx-request.js";
import { badRequest, EngineProblem } from "../server/problem.js";
import type { StageEngine } from "../server/stage-engine.js";
import { confidenceOf } from "./stt-confidence.js";

const MODEL = "en-us-ptm+telephone+dealing-desk";
const Language = z.object({ language: z.string().regex(/^[a-z]{2,3}$/) });
const SUPPORTED = new Set(["en", "und"]);

interface Segment {
  id: number;
  start_s: number;
  end_s: number;
  text: string;
  confidence: number;
}

/**
 * The stage `stt`: transcribes English, turn by turn. `und` is taken for English: the text's confidence then shows whether it
 * was. Segments in which no word is heard are left out.
 */
export function createEngine(limits: AudioLimits = {}): StageEngine {
  const recogniser = new Pocketsphinx("stt");
  return {
    stage: "stt",
    engine: { name: "pocketsphinx", version: ENGINES_VERSION, model: MODEL },

    load: () => recogniser.load(),

    async process(body, files, gone) {
      const request = parseSpeechRequest(body);
      const language = parseLanguage(body);
      const reading = { ...limits, name: request.fileName, gone };
      const { samples, duration_s, notes } = await decodeAudio(await requestedFile(request, files), reading);
      const segments = await recogniser.withSpeech({ samples, trim: request.trim }, gone, async (speech) => {
        const [words, phones] = await Promise.all([speech.recognise("domain"), speech.recognise("phones")]);
        const heard = speech.utterances.flatMap(({ start_s, end_s }, i) => {
          const [word, phone] = [words[i], phones[i]];
          if (word === undefined || word.text === "") return [];
          const confidence = phone ? confidenceOf(word.scorePerFrame - phone.scorePerFrame) : 0;
          return [{ start_s: rounded(start_s), end_s: rounded(end_s), text: word.text, confidence }];
        });
        return heard.map((segment, id): Segment => ({ id, ...segment }));
      });
      return {
        language: language === "und" ? "en" : language,
        duration_s,
        notes,
        text: segments.map(({ text }) => text).join(" "),
        confidence: meanConfidence(segments),
        segments,
        model: MODEL,
      };
    },

    close: () => recogniser.close(),
  };
}

function parseLanguage(body: unknown): string {
  const parsed = Language.safeParse(body);
  if (!parsed.success) throw badRequest("language must be an ISO 639 code in lower case, such as en, or und");
  const { language } = parsed.data;
  if (!SUPPORTED.has(language)) {
    throw new EngineProblem(
      422,
      "unsupported-language",
      "No model for the language",
      `This engine transcribes English only, and the recording is in "${language}". Configure an stt server that knows it.`,
    );
  }
  return language;
}

/** Weighted by the number of words; 0 where nothing was said. */
function meanConfidence(segments: readonly Segment[]): number {
  let sum = 0;
  let words = 0;
  for (const { text, confidence } of segments) {
    const count = text.split(" ").length;
    sum += confidence * count;
    words += count;
  }
  return words === 0 ? 0 : rounded(sum / words);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
