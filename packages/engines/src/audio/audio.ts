import { open, stat } from "node:fs/promises";
import { z } from "zod";
import { EngineProblem } from "../server/problem.js";
import { inputOf, runMedia } from "./media-program.js";
import { SampleBuffer } from "./sample-buffer.js";
import { missingWavBytes } from "./wav.js";

/** The telephone band's sample rate: what every engine works on. */
export const SAMPLE_RATE = 8000;
/** Four hours: decoded audio is held in memory, and an hour of it takes 115 MB. */
export const DEFAULT_MAX_AUDIO_S = 4 * 60 * 60;
/** What recorders write; a file that claims other rates makes seconds into days, or asks for filters of any size. */
const SAMPLE_RATES = { least: 4_000, most: 384_000 };
const MOST_CHANNELS = 32;
const PROBE_TIMEOUT_MS = 60_000;
/** Of programs that read the whole recording. */
const DECODE_TIMEOUT_MS = 10 * 60_000;
/** The description of a recording is shorter; one with thousands of streams is none. */
const MAX_DESCRIPTION_BYTES = 1024 * 1024;
/** A smaller mean is the sound's own; taking it away would make noise of digital silence. */
const MIN_OFFSET = 0.005;
/** Enough to see the chunk headers of a WAV file. */
const HEAD_BYTES = 64 * 1024;
/** Containers whose header declares the duration; the others' is only an estimate, useless to tell a cut file. */
const DECLARES_DURATION = /^(flac|mov|matroska|aiff|caf|w64|asf)\b/;

/** A recording as samples, with the format of its file. */
export interface Audio {
  /** Mono at 8 kHz, values in -1…1: the mean of the channels, without a constant offset. */
  samples: Float32Array<ArrayBuffer>;
  duration_s: number;
  /** As in the file, before decoding to mono 8 kHz. */
  sample_rate: number;
  channels: number;
  /** ffmpeg's name of the codec, such as `pcm_s16le`, `pcm_mulaw`, `mp3`, `opus`. */
  codec: string;
}

const Probe = z.object({
  streams: z
    .array(
      z.object({
        codec_type: z.string().optional(),
        codec_name: z.string().optional(),
        sample_rate: z.coerce.number().optional().catch(undefined),
        channels: z.number().optional(),
      }),
    )
    .default([]),
  format: z
    .object({ format_name: z.string().default("unknown"), duration: z.coerce.number().optional().catch(undefined) })
    .default({ format_name: "unknown" }),
});

export interface AudioLimits {
  /** The longest recording that is decoded, in seconds. Default: {@link DEFAULT_MAX_AUDIO_S}. */
  maxAudioS?: number | undefined;
}

/**
 * Decodes a recording of any format that ffmpeg knows. What its header says, and how long its packets last, is looked at
 * before; what is decoded all the same ends at the limit, so that a file of any kind takes no more memory than that.
 * Throws `EngineProblem` 422 `unreadable-audio` that names what was found (nothing, no audio, a file that was cut off), 422
 * `not-supported` that names the limit, the reason of `gone` when that aborts, and another error when a program was ended or not
 * done in time: a busy machine is not the fault of the recording.
 */
export async function decodeAudio(path: string, options: AudioLimits & { gone?: AbortSignal } = {}): Promise<Audio> {
  const { maxAudioS = DEFAULT_MAX_AUDIO_S, gone } = options;
  const { size } = await stat(path);
  if (size === 0) throw unreadable("The file is empty (0 bytes).");
  const missing = missingWavBytes(await headOf(path), size);
  const { format, stream, channels, sampleRate } = await probe(path, size, gone);
  const codec = stream.codec_name ?? "unknown";
  const found = `${format.format_name} with ${stream.codec_name ?? "an unknown codec"}, ${size} bytes`;
  assertRecorded(sampleRate, channels);
  if (missing > 0) {
    throw unreadable(`The file was cut off: its header announces ${missing} bytes more than it has. Found: ${found}.`);
  }
  const declaredS = DECLARES_DURATION.test(format.format_name) ? (format.duration ?? 0) : 0;
  assertNotTooLong(declaredS, maxAudioS);
  const packetsS = await durationOfPackets(path, maxAudioS, gone);
  assertNotTooLong(packetsS, maxAudioS);
  // Where the packets say nothing of their time, decoding shows what is there.
  if (packetsS > 0) assertWhole(declaredS, packetsS, found);

  const decoded = await decode(path, channels, packetsS, maxAudioS, gone);
  const samples = withoutOffset(decoded.samples);
  const durationS = samples.length / SAMPLE_RATE;
  if (samples.length === 0) throw unreadable(`No sample could be decoded. Found: ${found}.`);
  assertWhole(declaredS, durationS, found);
  // Packets may also have gaps between them, of which ffmpeg does not complain.
  if (decoded.complaint !== "") assertWhole(packetsS, durationS, `${found}, and ${decoded.complaint}`);
  return { samples, duration_s: durationS, sample_rate: sampleRate, channels, codec };
}

/** @throws EngineProblem 422 for what no recorder writes */
function assertRecorded(sampleRate: number, channels: number): void {
  const { least, most } = SAMPLE_RATES;
  if (sampleRate < least || sampleRate > most)
    throw beyond("sample rate", `a sample rate from ${least} to ${most} Hz; this one claims ${sampleRate} Hz`);
  if (channels > MOST_CHANNELS)
    throw beyond("number of channels", `at most ${MOST_CHANNELS} channels; this one claims ${channels}`);
}

function assertNotTooLong(durationS: number, maxAudioS: number): void {
  // A packet may end a moment after the sound.
  if (durationS <= maxAudioS + 1) return;
  const limit = `at most ${maxAudioS} s (COFI_MAX_AUDIO_S of the engine); this one is longer. Split the recording`;
  throw beyond("length", limit);
}

function assertWhole(declaredS: number, durationS: number, found: string): void {
  if (declaredS - durationS <= Math.max(1, 0.02 * declaredS)) return;
  throw unreadable(
    `The file was cut off or damaged: it declares ${declaredS.toFixed(1)} s, and ${durationS.toFixed(1)} s can be decoded. Found: ${found}.`,
  );
}

async function probe(path: string, size: number, gone: AbortSignal | undefined) {
  const entries = "format=format_name,duration:stream=codec_type,codec_name,sample_rate,channels";
  const { code, stderr, output } = await described(
    "ffprobe",
    ["-v", "error", ...inputOf(path), "-show_entries", entries, "-of", "json"],
    { timeoutMs: PROBE_TIMEOUT_MS, gone },
  );
  const { format, streams } = code === 0 ? Probe.parse(JSON.parse(output)) : Probe.parse({});
  const stream = streams.find(({ codec_type }) => codec_type === "audio");
  if (stream?.channels && stream.sample_rate) {
    return { format, stream, channels: stream.channels, sampleRate: stream.sample_rate };
  }
  const kinds = streams.map(({ codec_type, codec_name }) => `${codec_type ?? "unknown"} (${codec_name ?? "unknown"})`);
  throw unreadable(
    code === 0
      ? `The file has no audio. Found: ${format.format_name} with ${kinds.join(", ") || "no streams"}, ${size} bytes.`
      : `The file is not an audio file that ffmpeg can read. Found: ${size} bytes that begin with ${await firstBytes(path)} (${firstLine(stderr, path)}).`,
  );
}

/** How long the packets of the audio say that they last, without decoding them; a little more than the limit at most. 0: they do not say. */
async function durationOfPackets(path: string, maxAudioS: number, gone: AbortSignal | undefined): Promise<number> {
  const copied = ["-map", "0:a:0", "-c", "copy", "-t", String(maxAudioS + 2), "-f", "null", "-progress", "pipe:1", "-"];
  const args = ["-nostdin", "-v", "error", ...inputOf(path), ...copied];
  const { output } = await described("ffmpeg", args, { timeoutMs: DECODE_TIMEOUT_MS, gone });
  const last = [...output.matchAll(/^out_time_us=(\d+)$/gm)].at(-1)?.[1];
  return Number(last ?? 0) / 1e6;
}

/** Runs a program that says something about the recording. */
async function described(program: string, args: string[], bounds: Omit<Parameters<typeof runMedia>[2], "onOutput">) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onOutput = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > MAX_DESCRIPTION_BYTES)
      throw beyond("description", `a description of at most ${MAX_DESCRIPTION_BYTES} bytes; this one has more streams`);
    chunks.push(chunk);
  };
  const result = await runMedia(program, args, { ...bounds, onOutput });
  return { ...result, output: Buffer.concat(chunks).toString("utf8") };
}

/** Mono float samples at 8 kHz, and what ffmpeg complained of, if it did. ffmpeg's own downmix raises the level of two like channels by 3 dB: a plain mean does not. */
async function decode(
  path: string,
  channels: number,
  expectedS: number,
  maxAudioS: number,
  gone: AbortSignal | undefined,
): Promise<{ samples: Float32Array<ArrayBuffer>; complaint: string }> {
  const mean = Array.from({ length: channels }, (_, channel) => `${1 / channels}*c${channel}`).join("+");
  const mix = channels > 1 ? ["-af", `pan=mono|c0=${mean}`] : ["-ac", "1"];
  const most = Math.ceil((maxAudioS + 1) * SAMPLE_RATE);
  const samples = new SampleBuffer(Math.ceil((expectedS + 1) * SAMPLE_RATE), most);
  const { code, stderr } = await runMedia(
    "ffmpeg",
    // "pipe" is the output's protocol; the whitelist before -i holds for the input alone.
    ["-nostdin", "-v", "error", "-threads", "1", ...inputOf(path), "-map", "0:a:0", ...mix].concat([
      "-ar",
      String(SAMPLE_RATE),
      "-f",
      "f32le",
      "pipe:1",
    ]),
    {
      timeoutMs: DECODE_TIMEOUT_MS,
      onOutput(chunk) {
        samples.add(chunk);
        // Its packets said less.
        if (samples.length > most) assertNotTooLong(samples.length / SAMPLE_RATE, maxAudioS);
      },
      gone,
    },
  );
  const complaint = code === 0 && stderr.trim() === "" ? "" : firstLine(stderr, path);
  if (code !== 0 && samples.length === 0) throw unreadable(`ffmpeg could not decode it: ${complaint}`);
  return { samples: samples.taken(), complaint };
}

/** Some recorders add a constant to every sample, which would hide tones and pass for noise. Changes the samples in place. */
function withoutOffset(samples: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  let sum = 0;
  for (const sample of samples) sum += sample;
  const offset = sum / Math.max(1, samples.length);
  if (Math.abs(offset) < MIN_OFFSET) return samples;
  for (let i = 0; i < samples.length; i++) samples[i] = (samples[i] as number) - offset;
  return samples;
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function firstBytes(path: string): Promise<string> {
  return (await headOf(path))
    .subarray(0, 8)
    .toString("hex")
    .replaceAll(/(..)(?=.)/g, "$1 ");
}

function firstLine(text: string, path: string): string {
  const line = text.split("\n").find((candidate) => candidate.trim() !== "") ?? "no reason given";
  return line.replace(/^\[[^\]]*\] /, "").replaceAll(`file:${path}`, "the file");
}

function unreadable(detail: string): EngineProblem {
  return new EngineProblem(422, "unreadable-audio", "No audio can be decoded", detail);
}

/** 422: what the file claims is beyond a limit. */
function beyond(what: string, limit: string): EngineProblem {
  const title = `The recording is beyond a limit: its ${what}`;
  return new EngineProblem(422, "not-supported", title, `This engine takes recordings with ${limit}.`);
}
