import { spawn } from "node:child_process";
import { open, stat } from "node:fs/promises";
import { endianness } from "node:os";
import { z } from "zod";
import { EngineProblem } from "../server/problem.js";
import { cannotStart } from "../server/system-tools.js";
import { missingWavBytes } from "./wav.js";

/** The telephone band's sample rate: what every engine works on. */
export const SAMPLE_RATE = 8000;
/** Decoded audio is held in memory: 4 hours at 8 kHz are 460 MB. */
const MAX_DURATION_S = 4 * 60 * 60;
const PROBE_TIMEOUT_MS = 60_000;
const DECODE_TIMEOUT_MS = 10 * 60_000;
/** A smaller mean is the sound's own; taking it away would make noise of digital silence. */
const MIN_OFFSET = 0.005;
/** Enough to see the chunk headers of a WAV file. */
const HEAD_BYTES = 64 * 1024;

/** What ffmpeg may open. Playlists, scripts and image formats are left out: they can name other files and hosts. */
const DEMUXERS = "aac,ac3,aiff,amr,asf,au,caf,flac,gsm,matroska,mov,mp3,ogg,sln,tta,w64,wav,webm,wv";
/** Containers whose header declares the duration; the others' is only an estimate, useless to tell a cut file. */
const DECLARES_DURATION = /^(flac|mov|matroska|aiff|caf|w64|asf)\b/;
const INPUT_LIMITS = ["-protocol_whitelist", "file", "-format_whitelist", DEMUXERS];

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

/**
 * Decodes a recording of any format that ffmpeg knows. Throws `EngineProblem` 422 `unreadable-audio` that names what was found
 * (nothing, no audio, a file that was cut off), 422 `not-supported` beyond four hours, and the reason of `gone` when that
 * aborts.
 */
export async function decodeAudio(path: string, gone?: AbortSignal): Promise<Audio> {
  const { size } = await stat(path);
  if (size === 0) throw unreadable("The file is empty (0 bytes).");
  const missing = missingWavBytes(await headOf(path), size);
  const { format, stream, channels, sampleRate } = await probe(path, size, gone);
  const bytes = await decode(path, channels, gone);
  const samples = withoutOffset(asSamples(bytes));
  const durationS = samples.length / SAMPLE_RATE;
  const found = `${format.format_name} with ${stream.codec_name ?? "an unknown codec"}, ${size} bytes`;

  if (samples.length === 0) throw unreadable(`No sample could be decoded. Found: ${found}.`);
  if (durationS > MAX_DURATION_S) {
    throw new EngineProblem(
      422,
      "not-supported",
      "The recording is too long",
      `This engine takes recordings of at most ${MAX_DURATION_S / 3600} hours. Split the recording.`,
    );
  }
  if (missing > 0) {
    throw unreadable(`The file was cut off: its header announces ${missing} bytes more than it has. Found: ${found}.`);
  }
  const declaredS = DECLARES_DURATION.test(format.format_name) ? (format.duration ?? 0) : 0;
  if (declaredS - durationS > Math.max(1, 0.02 * declaredS)) {
    throw unreadable(
      `The file was cut off or damaged: it declares ${declaredS.toFixed(1)} s, and ${durationS.toFixed(1)} s can be decoded. Found: ${found}.`,
    );
  }
  return { samples, duration_s: durationS, sample_rate: sampleRate, channels, codec: stream.codec_name ?? "unknown" };
}

async function probe(path: string, size: number, gone: AbortSignal | undefined) {
  const entries = "format=format_name,duration:stream=codec_type,codec_name,sample_rate,channels";
  const result = await run(
    "ffprobe",
    ["-v", "error", ...INPUT_LIMITS, "-show_entries", entries, "-of", "json", `file:${path}`],
    { timeoutMs: PROBE_TIMEOUT_MS, maxBytes: 1024 * 1024, gone },
  );
  const { format, streams } =
    result.code === 0 ? Probe.parse(JSON.parse(result.stdout.toString("utf8"))) : Probe.parse({});
  const stream = streams.find(({ codec_type }) => codec_type === "audio");
  if (stream?.channels && stream.sample_rate) {
    return { format, stream, channels: stream.channels, sampleRate: stream.sample_rate };
  }
  const kinds = streams.map(({ codec_type, codec_name }) => `${codec_type ?? "unknown"} (${codec_name ?? "unknown"})`);
  throw unreadable(
    result.code === 0
      ? `The file has no audio. Found: ${format.format_name} with ${kinds.join(", ") || "no streams"}, ${size} bytes.`
      : `The file is not an audio file that ffmpeg can read. Found: ${size} bytes that begin with ${await firstBytes(path)} (${firstLine(result.stderr, path)}).`,
  );
}

/** Mono float samples at 8 kHz. ffmpeg's own downmix raises the level of two like channels by 3 dB: a plain mean does not. */
async function decode(path: string, channels: number, gone: AbortSignal | undefined): Promise<Buffer> {
  const mean = Array.from({ length: channels }, (_, channel) => `${1 / channels}*c${channel}`).join("+");
  const mix = channels > 1 ? ["-af", `pan=mono|c0=${mean}`] : ["-ac", "1"];
  const result = await run(
    "ffmpeg",
    // "pipe" is the output's protocol; the whitelist before -i holds for the input alone.
    ["-nostdin", "-v", "error", "-threads", "1", ...INPUT_LIMITS, "-i", `file:${path}`, "-map", "0:a:0", ...mix].concat(
      ["-ar", String(SAMPLE_RATE), "-t", String(MAX_DURATION_S + 1), "-f", "f32le", "pipe:1"],
    ),
    {
      timeoutMs: DECODE_TIMEOUT_MS,
      maxBytes: (MAX_DURATION_S + 2) * SAMPLE_RATE * Float32Array.BYTES_PER_ELEMENT,
      gone,
    },
  );
  if (result.code !== 0 && result.stdout.length === 0) {
    throw unreadable(`ffmpeg could not decode it: ${firstLine(result.stderr, path)}`);
  }
  return result.stdout;
}

/** A view where the buffer holds nothing else (it will be moved to another thread), else a copy. */
function asSamples(bytes: Buffer): Float32Array<ArrayBuffer> {
  const count = Math.floor(bytes.length / Float32Array.BYTES_PER_ELEMENT);
  if (endianness() === "LE" && bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.length) {
    return new Float32Array(bytes.buffer, 0, count);
  }
  const samples = new Float32Array(count);
  for (let i = 0; i < count; i++) samples[i] = bytes.readFloatLE(i * Float32Array.BYTES_PER_ELEMENT);
  return samples;
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

interface ProgramBounds {
  timeoutMs: number;
  /** Of its standard output. */
  maxBytes: number;
  gone: AbortSignal | undefined;
}

interface ProgramResult {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

/** Runs a program to its end, with bounds on its time and output. Throws when it is not installed or exceeds them. */
function run(program: string, args: string[], { timeoutMs, maxBytes, gone }: ProgramBounds): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    gone?.throwIfAborted();
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let stderr = "";
    let failure: Error | undefined;
    const stop = (reason: Error): void => {
      failure ??= reason;
      child.kill("SIGKILL");
    };
    const leave = (): void => stop(gone?.reason as Error);
    gone?.addEventListener("abort", leave);
    const timer = setTimeout(() => stop(unreadable(`${program} was not done after ${timeoutMs / 1000} s.`)), timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) stop(new Error(`${program} wrote more than ${maxBytes} bytes`));
      else chunks.push(chunk);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < 4096) stderr += text;
    });
    child.on("error", (error) => {
      failure ??= cannotStart(program, "ffmpeg", error);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      gone?.removeEventListener("abort", leave);
      if (failure) reject(failure);
      else resolve({ code, stdout: Buffer.concat(chunks), stderr });
    });
  });
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
