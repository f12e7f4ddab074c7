/**
 * A copy of a recording to listen to: linear 16-bit samples at one rate in a WAV file, in which every browser finds every moment exactly, and in
 * which all parties are heard as the engines heard them. It is listened to while it is being made: its length is known before its samples.
 */
import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, writeFile, type FileHandle } from "node:fs/promises";
import type { SoundPeaks } from "@cofi/evidence/shapes";
import type { RawAudioSettings } from "@cofi/recordings/raw-audio";
import { WAV_HEADER_BYTES, wavHeader } from "@cofi/recordings/wav-header";
import { readRecording } from "@cofi/recordings/recording";

/** More than telephones carry, and what speech needs. */
const SAMPLE_RATE = 16_000;
const SAMPLE_BYTES = 2;
/** Peaks of a call: about a kilobyte of JSON. */
const PEAKS = 300;
/** Samples of the finer peaks from which those are made: 20 ms. */
const FINE = 320;
/** So much silence may stand behind the sound: recordings are a little longer than they say. One that is longer still, or much shorter, gets its own length. */
const SLACK_S = { announced: 0.1, most: 1 };
/** The most that engines may be told to read (COFI_MAX_AUDIO_S). */
const LONGEST_S = 24 * 3_600;
const PART_BYTES = 65_536;
/** Samples that are gathered before they are written. */
const WRITE_SAMPLES = 32_768;

interface Source {
  path: string;
  /** Raw audio is known by it alone. */
  name: string;
  raw: RawAudioSettings;
}

export class ListeningCopy {
  readonly #path: string;
  readonly #source: Source | null;
  /** Where the bytes are until it is whole. */
  readonly #partPath: string;
  /** Bytes with the header; null until the recording has said its length, or its last sample is there. */
  #total: number | null = null;
  #written = 0;
  #finished = false;
  #failure: Error | null = null;
  #peaks: SoundPeaks | null = null;
  #waiting: (() => void)[] = [];

  /** @param source null: it was made before */
  constructor(path: string, source: Source | null) {
    this.#path = path;
    this.#source = source;
    this.#partPath = `${path}.${randomUUID()}.part`;
  }

  /** One that was made before; null when there is none. */
  static async existing(path: string): Promise<ListeningCopy | null> {
    const peaks = await readFile(`${path}.json`, "utf8").catch(absent);
    if (peaks === null) return null;
    const copy = new ListeningCopy(path, null);
    const handle = await open(path).catch(absent);
    if (handle === null) return null;
    copy.#total = copy.#written = (await handle.stat()).size;
    await handle.close();
    copy.#peaks = JSON.parse(peaks) as SoundPeaks;
    copy.#finished = true;
    return copy;
  }

  /** Bytes of the whole, as soon as that is known. @throws the reason why it cannot be made */
  async total(): Promise<number> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (this.#total !== null) return this.#total;
      await this.#news();
    }
  }

  /** @throws the reason why it cannot be made */
  async peaks(): Promise<SoundPeaks> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (this.#finished && this.#peaks) return this.#peaks;
      await this.#news();
    }
  }

  /** The bytes from `start` to `end`, that one included, as they come. @throws the reason why they do not come */
  async *bytes(start: number, end: number): AsyncGenerator<Buffer> {
    let handle: FileHandle | null = null;
    try {
      for (let at = start; at <= end;) {
        while (this.#written <= at && !this.#finished) {
          if (this.#failure) throw this.#failure;
          await this.#news();
        }
        const until = Math.min(end + 1, this.#written, at + PART_BYTES);
        // It was given a shorter length than it had said.
        if (until <= at) return;
        handle ??= await open(this.#finished ? this.#path : this.#partPath);
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(until - at), 0, until - at, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle?.close();
    }
  }

  /** Makes it. Whoever waits for it hears of a failure. */
  async make(gone: AbortSignal): Promise<void> {
    if (!this.#source) return;
    const { path, name, raw } = this.#source;
    const handle = await open(this.#partPath, "wx", 0o600);
    const fine = new FinePeaks();
    let announced = 0;
    let announcing = Promise.resolve();
    let samples = 0;
    let pending = new Int16Array(WRITE_SAMPLES);
    let filled = 0;
    const flush = async (): Promise<void> => {
      if (filled === 0) return;
      const bytes = Buffer.from(pending.buffer, 0, filled * SAMPLE_BYTES);
      await handle.write(bytes, 0, bytes.length, WAV_HEADER_BYTES + (samples - filled) * SAMPLE_BYTES);
      this.#written = WAV_HEADER_BYTES + samples * SAMPLE_BYTES;
      filled = 0;
      this.#tell();
    };
    try {
      await handle.write(wavHeader(SAMPLE_RATE, 0), 0, WAV_HEADER_BYTES, 0);
      await readRecording(path, {
        name,
        raw,
        sampleRate: SAMPLE_RATE,
        maxAudioS: LONGEST_S,
        gone,
        onLength: (seconds) => {
          if (seconds <= 0) return;
          announced = Math.round((seconds + SLACK_S.announced) * SAMPLE_RATE);
          announcing = this.#announce(handle, announced);
          // It is waited for below, where its failure counts.
          announcing.catch(() => undefined);
        },
        onSamples: async (mixed) => {
          fine.take(mixed);
          for (let from = 0; from < mixed.length;) {
            const count = Math.min(mixed.length - from, WRITE_SAMPLES - filled);
            for (let n = 0; n < count; n++) {
              const level = (mixed[from + n] as number) * 32_767;
              pending[filled + n] = level > 32_767 ? 32_767 : level < -32_768 ? -32_768 : level;
            }
            from += count;
            filled += count;
            samples += count;
            if (filled === WRITE_SAMPLES) await flush();
          }
        },
      });
      await flush();
      pending = new Int16Array(0);
      const slack = announced - samples;
      const length = slack >= 0 && slack <= SLACK_S.most * SAMPLE_RATE ? announced : samples;
      await announcing;
      await handle.truncate(WAV_HEADER_BYTES + length * SAMPLE_BYTES);
      await handle.write(wavHeader(SAMPLE_RATE, length * SAMPLE_BYTES), 0, WAV_HEADER_BYTES, 0);
      const peaks = fine.of(length);
      await writeFile(`${this.#path}.json`, JSON.stringify(peaks), { mode: 0o600 });
      await rename(this.#partPath, this.#path);
      this.#total = this.#written = WAV_HEADER_BYTES + length * SAMPLE_BYTES;
      this.#peaks = peaks;
      this.#finished = true;
    } catch (error) {
      this.#failure = error as Error;
      await announcing.catch(() => undefined);
      await rm(this.#partPath, { force: true });
    } finally {
      await handle.close();
      this.#tell();
    }
  }

  /** Now everybody may know its length. */
  async #announce(handle: FileHandle, samples: number): Promise<void> {
    await handle.write(wavHeader(SAMPLE_RATE, samples * SAMPLE_BYTES), 0, WAV_HEADER_BYTES, 0);
    this.#written = Math.max(this.#written, WAV_HEADER_BYTES);
    this.#total ??= WAV_HEADER_BYTES + samples * SAMPLE_BYTES;
    this.#tell();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** How loud each 20 ms of the sound are. */
class FinePeaks {
  #values = new Uint8Array(4_096);
  #length = 0;
  #highest = 0;
  #samples = 0;

  take(samples: Float32Array): void {
    for (let from = 0; from < samples.length;) {
      const count = Math.min(samples.length - from, FINE - this.#samples);
      let highest = this.#highest;
      for (let n = from; n < from + count; n++) {
        const level = Math.abs(samples[n] as number);
        if (level > highest) highest = level;
      }
      this.#highest = highest;
      this.#samples += count;
      from += count;
      if (this.#samples === FINE) this.#next();
    }
  }

  #next(): void {
    if (this.#length === this.#values.length) {
      const more = new Uint8Array(this.#values.length * 2);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.#length++] = Math.min(255, Math.round(this.#highest * 255));
    this.#highest = 0;
    this.#samples = 0;
  }

  /** @param samples of the whole sound */
  of(samples: number): SoundPeaks {
    if (this.#samples > 0) this.#next();
    const count = Math.max(1, Math.min(PEAKS, this.#length));
    const peaks = Array.from({ length: count }, (_, n) => {
      const [from, to] = [n, n + 1].map((edge) => Math.floor((edge * this.#length) / count));
      return Math.max(0, ...this.#values.subarray(from, to));
    });
    return { seconds: samples / SAMPLE_RATE, peaks };
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
