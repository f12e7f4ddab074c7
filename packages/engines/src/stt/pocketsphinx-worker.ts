import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SAMPLE_RATE } from "../audio/audio.js";
import { writeDomainModel, type LanguageModelFiles } from "./language-model/language-model.js";
import { prepareUtterance, RECOGNISER_RATE } from "./pocketsphinx-audio.js";
import { speechProbabilities, speechSegments, type Span } from "../audio/voice-activity.js";
import { encodeWav } from "../audio/wav.js";
import { serveJobs } from "../server/worker-jobs.js";

/** Writes the speech of a recording into `folder`, one file per utterance: `0.wav`, `1.wav`, … */
export interface UtteranceJob {
  kind: "utterances";
  /** Mono at 8 kHz. */
  samples: Float32Array<ArrayBuffer>;
  /** The conversation, in seconds of the recording. */
  trim: Span;
  folder: string;
  /** Segments are joined into utterances of this length, in seconds, and taken until there are `maxSpeechS` of them. */
  joined?: { utteranceS: number; maxSpeechS: number };
}

/** Writes the language model of dealing-desk calls into `folder`. */
export interface ModelJob {
  kind: "model";
  folder: string;
  generalDictionary: string;
}

/** An utterance as it was written: the time it covers in the recording and how much speech it holds, in seconds. */
export interface Utterance extends Span {
  speechS: number;
}

export type SpeechJob = UtteranceJob | ModelJob;
export type SpeechResult =
  | { kind: "utterances"; utterances: Utterance[] }
  | { kind: "model"; files: LanguageModelFiles };

serveJobs<SpeechJob, SpeechResult>(async (job) => {
  if (job.kind === "model") {
    return { output: { kind: "model", files: await writeDomainModel(job.folder, job.generalDictionary) } };
  }
  return { output: { kind: "utterances", utterances: await writeUtterances(job) } };
});

async function writeUtterances({ samples, trim, folder, joined }: UtteranceJob): Promise<Utterance[]> {
  const from = Math.min(samples.length, Math.round(trim.start_s * SAMPLE_RATE));
  const to = Math.min(samples.length, Math.round(trim.end_s * SAMPLE_RATE));
  const conversation = samples.subarray(from, Math.max(from, to));
  const segments = speechSegments(await speechProbabilities(conversation, { enoughSpeechS: joined?.maxSpeechS }));
  const groups = joined ? grouped(segments, joined.utteranceS, joined.maxSpeechS) : segments.map((one) => [one]);

  const utterances: Utterance[] = [];
  for (const [i, group] of groups.entries()) {
    const pieces = group.map(({ start_s, end_s }) =>
      conversation.subarray(Math.round(start_s * SAMPLE_RATE), Math.round(end_s * SAMPLE_RATE)),
    );
    const speech = concatenated(pieces);
    await writeFile(join(folder, `${i}.wav`), encodeWav(prepareUtterance(speech), RECOGNISER_RATE));
    const [first, last] = [group[0] as Span, group.at(-1) as Span];
    const offset = from / SAMPLE_RATE;
    utterances.push({
      start_s: offset + first.start_s,
      end_s: offset + last.end_s,
      speechS: speech.length / SAMPLE_RATE,
    });
  }
  return utterances;
}

/** Neighbouring segments together, each group as short as it can be from `utteranceS` on; a short rest joins the last one. */
function grouped(segments: readonly Span[], utteranceS: number, maxSpeechS: number): Span[][] {
  const groups: Span[][] = [];
  let taken = 0;
  let inGroup = Number.POSITIVE_INFINITY;
  for (const segment of segments) {
    if (taken >= maxSpeechS) break;
    if (inGroup >= utteranceS) {
      groups.push([]);
      inGroup = 0;
    }
    groups.at(-1)?.push(segment);
    inGroup += segment.end_s - segment.start_s;
    taken += segment.end_s - segment.start_s;
  }
  if (groups.length > 1 && inGroup < utteranceS / 2) groups.at(-2)?.push(...(groups.pop() ?? []));
  return groups;
}

function concatenated(pieces: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    result.set(piece, at);
    at += piece.length;
  }
  return result;
}
