import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readRecording, type ReadOptions, type RecordingFacts } from "@cofi/recordings/recording";
import { UnreadableRecording } from "@cofi/recordings/unreadable";

const run = promisify(execFile);
export const RATE = 8_000;
/** A call of the samples: 18.7 s, mono, 8 kHz. */
export const CALL = samplePath("batch/c04.wav");
/** How much of it the fixtures have. */
export const SECONDS = 8;

export function samplePath(name: string): string {
  return fileURLToPath(new URL(`../../../samples/${name}`, import.meta.url));
}

export type Heard = RecordingFacts & { samples: Float32Array; seconds: number };

/** A folder of recordings, which is removed in the end. */
export class Folder {
  private constructor(readonly path: string) {}

  static async create(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), "cofi-recordings-")));
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  /** @returns the path */
  async file(name: string, content: Uint8Array | string): Promise<string> {
    const path = join(this.path, name);
    await writeFile(path, content);
    return path;
  }

  /** What ffmpeg makes of the beginning of the call. @returns the path */
  encoded(name: string, ...options: string[]): Promise<string> {
    return this.made(name, "-i", CALL, "-t", String(SECONDS), ...options);
  }

  /** What ffmpeg makes with these arguments. @returns the path */
  async made(name: string, ...options: string[]): Promise<string> {
    const path = join(this.path, name);
    await run("ffmpeg", ["-nostdin", "-v", "error", "-y", ...options, path]);
    return path;
  }
}

/** Reads a recording at 8 kHz. */
export async function heard(path: string, options: Partial<ReadOptions> = {}): Promise<Heard> {
  const parts: Float32Array[] = [];
  const onSamples = (samples: Float32Array): void => void parts.push(samples.slice());
  const facts = await readRecording(path, { sampleRate: RATE, maxAudioS: 3_600, onSamples, ...options });
  const samples = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return { ...facts, samples, seconds: samples.length / (options.sampleRate ?? RATE) };
}

/** Why a recording is refused. */
export async function refusalOf(path: string, options: Partial<ReadOptions> = {}): Promise<UnreadableRecording> {
  const error: unknown = await heard(path, options).catch((reason: unknown) => reason);
  if (error instanceof UnreadableRecording) return error;
  throw new Error(`${path} was not refused`, { cause: error });
}

/** The samples of the beginning of a call of the samples. */
export async function voice(name: string, fromS: number, seconds: number): Promise<Float32Array> {
  const { samples } = await heard(samplePath(name));
  return samples.slice(fromS * RATE, (fromS + seconds) * RATE);
}

/** Of the signals of a span, 1 where one is the other at whichever level, 0 where they have nothing in common. */
export function likeness(
  a: Float32Array,
  b: Float32Array,
  fromS = 0,
  toS = Math.min(a.length, b.length) / RATE,
): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = Math.round(fromS * RATE); i < Math.round(toS * RATE); i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : Math.abs(ab) / Math.sqrt(aa * bb);
}

/** Root mean square of a span. */
export function level(samples: Float32Array, fromS = 0, toS = samples.length / RATE): number {
  let sum = 0;
  const [from, to] = [Math.round(fromS * RATE), Math.round(toS * RATE)];
  for (let i = from; i < to; i++) sum += (samples[i] ?? 0) ** 2;
  return Math.sqrt(sum / (to - from));
}

/** A WAV file of 32-bit floats with these channels. */
export function wavOf(channels: readonly Float32Array[]): Buffer {
  const length = Math.max(...channels.map((channel) => channel.length));
  const bytes = length * channels.length * 4;
  const wav = Buffer.alloc(44 + bytes);
  wav.write("RIFF", 0, "latin1");
  wav.writeUInt32LE(36 + bytes, 4);
  wav.write("WAVEfmt ", 8, "latin1");
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(3, 20);
  wav.writeUInt16LE(channels.length, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(RATE * channels.length * 4, 28);
  wav.writeUInt16LE(channels.length * 4, 32);
  wav.writeUInt16LE(32, 34);
  wav.write("data", 36, "latin1");
  wav.writeUInt32LE(bytes, 40);
  for (const [place, channel] of channels.entries())
    for (const [i, sample] of channel.entries()) wav.writeFloatLE(sample, 44 + (i * channels.length + place) * 4);
  return wav;
}
