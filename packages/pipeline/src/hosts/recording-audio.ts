/** A part of a recording as a WAV file that every recogniser takes: 16 kHz, mono, 16 bits. */
import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { CannotStart } from "@cofi/recordings/media-program";
import { WAV_HEADER_BYTES, wavHeader } from "@cofi/recordings/wav-header";
import type { RawAudioSettings } from "@cofi/recordings/raw-audio";
import { readRecording } from "@cofi/recordings/recording";
import { UnreadableRecording } from "@cofi/recordings/unreadable";
import { SHORTEST_S, type Span } from "./audio-pieces.js";
import { EngineError, type Fault } from "./engine-error.js";
import { Turns } from "./turns.js";
import { UnnamedFile } from "./unnamed-file.js";

const SAMPLE_RATE = 16_000;
const BYTES_PER_SAMPLE = 2;

/** More than one a core would only need more memory. */
const turns = new Turns(availableParallelism());

/** The seconds of audio whose WAV file is not larger. */
export function secondsIn(bytes: number): number {
  return (bytes - WAV_HEADER_BYTES) / (SAMPLE_RATE * BYTES_PER_SAMPLE);
}

/** A WAV file. It lies on disk, because those of many slots are too much for memory, and stays there until it is closed. */
export interface CutAudio {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** The file from its beginning, a piece at a time; as often as it is asked for. */
  content(): AsyncIterable<Buffer>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface CutOptions {
  /** On whose disk it lies. */
  folder: string;
  /** How recordings without a header are read. */
  rawAudio: RawAudioSettings;
  signal: AbortSignal;
}

/**
 * All channels and tracks of a part of a recording in one mix, as the engines hear them. The same bytes whenever it is asked for.
 * Where the recording ends before `span` does, so does the result.
 * @throws EngineError when nothing can be decoded there, the disk is full, or ffmpeg is not installed
 */
export async function cutAudio(path: string, { start_s, end_s }: Span, options: CutOptions): Promise<CutAudio> {
  const { folder, signal } = options;
  const kept = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: Error) => {
      throw cannotBeKept(error, folder);
    });
  const file = await kept(UnnamedFile.create(folder));
  try {
    await kept(file.append(wavHeader(SAMPLE_RATE, 0)));
    const onSamples = (samples: Float32Array): Promise<void> => kept(file.append(linear(samples)));
    await turns.take(() => decode(path, { start_s, end_s }, onSamples, options), signal);
    const bytes = await file.size();
    if (secondsIn(bytes) < SHORTEST_S)
      throw broken(`The recording has no audio between ${start_s} s and ${end_s} s.`, "unreadable-audio", "file");
    await kept(file.overwriteStart(wavHeader(SAMPLE_RATE, bytes - WAV_HEADER_BYTES)));
    const hash = createHash("sha256");
    for await (const piece of file.content()) hash.update(piece);
    return { bytes, sha256: hash.digest("hex"), content: () => file.content(), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Decodes a part of a recording, piece by piece. @throws EngineError, also that of `onSamples`; the reason of the signal */
async function decode(
  path: string,
  { start_s, end_s }: Span,
  onSamples: (samples: Float32Array) => Promise<void>,
  { rawAudio: raw, signal: gone }: CutOptions,
): Promise<void> {
  const seconds = end_s - start_s;
  const part = { startS: start_s, seconds };
  try {
    await readRecording(path, { raw, part, sampleRate: SAMPLE_RATE, maxAudioS: seconds, gone, onSamples });
  } catch (error) {
    if (error instanceof EngineError || gone.aborted) throw error;
    if (error instanceof UnreadableRecording) throw broken(error.message, "unreadable-audio", "file");
    if (error instanceof CannotStart) throw cannotStart(error);
    const { message, code } = error as NodeJS.ErrnoException;
    throw broken(
      code === undefined ? message : `The recording cannot be read: ${message}.`,
      "decoding-failed",
      "answer",
    );
  }
}

function linear(samples: Float32Array): Buffer {
  const bytes = Buffer.alloc(samples.length * BYTES_PER_SAMPLE);
  for (let i = 0; i < samples.length; i++)
    bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, samples[i] as number)) * 32_767), i * BYTES_PER_SAMPLE);
  return bytes;
}

/** The disk may have room again, and the process file descriptors. */
function cannotBeKept({ message }: Error, folder: string): EngineError {
  const what = `The audio for the model server cannot be kept in ${folder} while it is sent: ${message}.`;
  return broken(
    `${what} Make room there, or set COFI_DATA_DIR to a folder on another disk.`,
    "decoding-failed",
    "answer",
  );
}

/** That it is not there will not change while the pipeline runs; that the system lacks memory or file descriptors will. */
function cannotStart({ message, code }: CannotStart): EngineError {
  if (code !== "ENOENT" && code !== "EACCES") return broken(message, "decoding-failed", "answer");
  return broken(`${message} Model servers for stt are sent audio that ffmpeg has made.`, "no-ffmpeg", "stage");
}

function broken(message: string, type: string, fault: Fault): EngineError {
  return new EngineError(message, { status: null, type, fault });
}
