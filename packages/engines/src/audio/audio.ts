import { readRecording, type RecordingFacts } from "@cofi/recordings/recording";
import type { RawAudioSettings } from "@cofi/recordings/raw-audio";
import { UnreadableRecording } from "@cofi/recordings/unreadable";
import { EngineProblem } from "../server/problem.js";
import { SampleBuffer } from "./sample-buffer.js";

/** The telephone band's sample rate: what every engine works on. */
export const SAMPLE_RATE = 8000;
/** Four hours: decoded audio is held in memory, and an hour of it takes 115 MB. */
export const DEFAULT_MAX_AUDIO_S = 4 * 60 * 60;
/** A smaller mean is the sound's own; taking it away would make noise of digital silence. */
const MIN_OFFSET = 0.005;

/** A recording as samples, with the format of its file. */
export interface Audio {
  /** Mono at 8 kHz, values in -1…1, without a constant offset: a mix in which everybody is heard, or one channel. */
  samples: Float32Array<ArrayBuffer>;
  duration_s: number;
  /** As in the file, before decoding to mono 8 kHz. */
  sample_rate: number;
  channels: number;
  /** ffmpeg's name of the codec, such as `pcm_s16le`, `pcm_mulaw`, `mp3`, `opus`. */
  codec: string;
  /** Every way in which the file is not as it should be, and was read all the same; each a sentence. */
  notes: string[];
  /** Whether the file says where its sound ends. One that does not may have been cut off between two frames. */
  length_known: boolean;
}

/** How an engine reads recordings. */
export interface AudioLimits {
  /** The longest recording that is decoded, in seconds. Default: {@link DEFAULT_MAX_AUDIO_S}. */
  maxAudioS?: number | undefined;
  /** How recordings without a header are read. */
  rawAudio?: RawAudioSettings | undefined;
}

export interface DecodeOptions extends AudioLimits {
  /** The name of the recording, where that of the file is another one: raw audio is known by it alone. */
  name?: string | undefined;
  gone?: AbortSignal | undefined;
}

/**
 * Decodes a recording of any format that ffmpeg knows, with all of its channels and tracks in one mix. Throws `EngineProblem` 422
 * `unreadable-audio` that names what was found (nothing, no audio, a file that was cut off), 422 `not-supported` that names the
 * limit, the reason of `gone` when that aborts, and another error when a program was ended or not done in time: a busy machine is
 * not the fault of the recording.
 */
export function decodeAudio(path: string, options: DecodeOptions = {}): Promise<Audio> {
  return decoded(path, undefined, options);
}

/** As {@link decodeAudio}, one channel alone, from 0 on. All of them have the same length, and `channels` says how many there are. */
export function decodeChannel(path: string, channel: number, options: DecodeOptions = {}): Promise<Audio> {
  return decoded(path, channel, options);
}

async function decoded(path: string, channel: number | undefined, options: DecodeOptions): Promise<Audio> {
  const { maxAudioS = DEFAULT_MAX_AUDIO_S, rawAudio: raw, name, gone } = options;
  const collected = new SampleBuffer(Math.ceil((maxAudioS + 1) * SAMPLE_RATE));
  const onSamples = (samples: Float32Array): void => collected.add(samples);
  const onLength = (seconds: number): void => collected.expect(Math.ceil((seconds + 1) * SAMPLE_RATE));
  const reading = { channel, name, raw, maxAudioS, sampleRate: SAMPLE_RATE, gone, onLength, onSamples };
  const facts: RecordingFacts = await readRecording(path, reading).catch((error: unknown) => {
    throw error instanceof UnreadableRecording ? problemOf(error) : error;
  });
  const samples = withoutOffset(collected.taken());
  const { sampleRate, channels, codec, notes, lengthKnown } = facts;
  const duration_s = samples.length / SAMPLE_RATE;
  return { samples, duration_s, sample_rate: sampleRate, channels, codec, notes, length_known: lengthKnown };
}

function problemOf({ kind, message }: UnreadableRecording): EngineProblem {
  return kind === "limit"
    ? new EngineProblem(422, "not-supported", "The recording is beyond a limit", message)
    : new EngineProblem(422, "unreadable-audio", "No audio can be decoded", message);
}

/** Some recorders add a constant to every sample, which would hide tones and pass for noise. Changes the samples in place. */
function withoutOffset(samples: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  let sum = 0;
  // An iterator takes several times as long.
  for (let i = 0; i < samples.length; i++) sum += samples[i] as number;
  const offset = sum / Math.max(1, samples.length);
  if (Math.abs(offset) < MIN_OFFSET) return samples;
  for (let i = 0; i < samples.length; i++) samples[i] = (samples[i] as number) - offset;
  return samples;
}
