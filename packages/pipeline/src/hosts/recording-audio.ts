/** A part of a recording as a WAV file that every recogniser takes: 16 kHz, mono, 16 bits. */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { SHORTEST_S, type Span } from "./audio-pieces.js";
import { EngineError, type Fault } from "./engine-error.js";
import { Turns } from "./turns.js";
import { UnnamedFile } from "./unnamed-file.js";

const SAMPLE_RATE = 16_000;
const BYTES_PER_SAMPLE = 2;
const HEADER_BYTES = 44;
const DECODE_TIMEOUT_MS = 10 * 60_000;
/** What ffmpeg may open, as in the engines. Playlists, scripts and image formats are left out: they can name other files and hosts. */
const DEMUXERS = "aac,ac3,aiff,amr,asf,au,caf,flac,gsm,matroska,mov,mp3,ogg,sln,tta,w64,wav,webm,wv";
const INPUT_LIMITS = ["-protocol_whitelist", "file", "-format_whitelist", DEMUXERS];

/** More than one a core would only need more memory. */
const turns = new Turns(availableParallelism());

/** The seconds of audio whose WAV file is not larger. */
export function secondsIn(bytes: number): number {
  return (bytes - HEADER_BYTES) / (SAMPLE_RATE * BYTES_PER_SAMPLE);
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

/**
 * The same bytes whenever it is asked for. Where the recording ends before `span` does, so does the result.
 * @param folder on whose disk it lies
 * @throws EngineError when nothing can be decoded there, the disk is full, or ffmpeg is not installed
 */
export async function cutAudio(
  path: string,
  { start_s, end_s }: Span,
  folder: string,
  signal: AbortSignal,
): Promise<CutAudio> {
  const kept = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: Error) => {
      throw cannotBeKept(error, folder);
    });
  const file = await kept(UnnamedFile.create(folder));
  try {
    await kept(file.append(wavHeader(0)));
    const keep = (piece: Buffer): Promise<void> => kept(file.append(piece));
    const complaint = await turns.take(() => decode(path, start_s, end_s - start_s, keep, signal), signal);
    const bytes = await file.size();
    if (bytes === HEADER_BYTES && complaint !== null)
      throw broken(`No audio can be decoded: ${firstLine(complaint, path)}.`, "unreadable-audio", "file");
    if (secondsIn(bytes) < SHORTEST_S)
      throw broken(`The recording has no audio between ${start_s} s and ${end_s} s.`, "unreadable-audio", "file");
    await kept(file.overwriteStart(wavHeader(bytes - HEADER_BYTES)));
    const hash = createHash("sha256");
    for await (const piece of file.content()) hash.update(piece);
    return { bytes, sha256: hash.digest("hex"), content: () => file.content(), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Decodes a part of a recording, piece by piece.
 * @returns what ffmpeg complained about when it gave up; null when it did not
 * @throws EngineError, also that of `keep`
 */
async function decode(
  path: string,
  startS: number,
  seconds: number,
  keep: (piece: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<string | null> {
  signal.throwIfAborted();
  // Seeking in the output, not in the file: the start of a compressed recording is found by decoding it alone.
  // Times are counted in samples, as the engines do, for packets may have gaps between them.
  const sound = ["-i", `file:${path}`, "-map", "0:a:0", "-af", "asetpts=N/SR/TB"];
  const part = ["-ss", startS.toFixed(3), "-t", seconds.toFixed(3)];
  // Without the limit two like channels would be mixed 3 dB louder than either.
  const as = ["-ac", "1", "-rematrix_maxval", "1", "-ar", String(SAMPLE_RATE), "-f", "s16le", "pipe:1"];
  // It parses what anybody may have made: a key or a password is not there to be found.
  const { PATH, LANG, LC_ALL, TMPDIR, HOME } = process.env;
  const ffmpeg: ChildProcess = spawn(
    "ffmpeg",
    ["-nostdin", "-v", "error", "-threads", "1", ...INPUT_LIMITS, ...sound, ...part, ...as],
    { stdio: ["ignore", "pipe", "pipe"], env: { PATH, LANG, LC_ALL, TMPDIR, HOME } },
  );
  let complaint = "";
  let failure: Error | undefined;
  const stop = (reason: Error): void => {
    failure ??= reason;
    ffmpeg.kill("SIGKILL");
  };
  const over = new Promise<{ code: number | null; ended: NodeJS.Signals | null }>((resolve) => {
    ffmpeg.on("error", (error) => (failure ??= cannotStart(error)));
    ffmpeg.on("close", (code, ended) => resolve({ code, ended }));
  });
  const leave = (): void => stop(signal.reason as Error);
  signal.addEventListener("abort", leave, { once: true });
  const late = `ffmpeg had not decoded the recording after ${DECODE_TIMEOUT_MS / 1000} s.`;
  const timer = setTimeout(() => stop(broken(late, "decoding-failed", "answer")), DECODE_TIMEOUT_MS);
  // Without a file descriptor left there is no pipe.
  ffmpeg.stderr?.setEncoding("utf8").on("data", (text: string) => {
    if (complaint.length < 1_000) complaint += text;
  });
  try {
    for await (const piece of ffmpeg.stdout ?? []) await keep(piece as Buffer);
  } catch (error) {
    stop(error as Error);
  }
  const { code, ended } = await over;
  clearTimeout(timer);
  signal.removeEventListener("abort", leave);
  if (failure) throw failure;
  // What it wrote until then may be a part of the audio. The system may have needed its memory: another try may go well.
  if (code === null) throw broken(`ffmpeg was ended by ${ended}.`, "decoding-failed", "answer");
  return code === 0 ? null : complaint;
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
function cannotStart({ message, code }: NodeJS.ErrnoException): EngineError {
  if (code !== "ENOENT" && code !== "EACCES")
    return broken(`ffmpeg cannot be started: ${message}.`, "decoding-failed", "answer");
  const install = "Model servers for stt are sent audio that ffmpeg has made: apt-get install ffmpeg.";
  return broken(`ffmpeg cannot be started: ${message}. ${install}`, "no-ffmpeg", "stage");
}

function broken(message: string, type: string, fault: Fault): EngineError {
  return new EngineError(message, { status: null, type, fault });
}

function firstLine(text: string, path: string): string {
  const [line = ""] = text.trim().split("\n");
  return line.replaceAll(path, "the file").replace(/\.$/, "") || "ffmpeg gave no reason";
}

/** RIFF, `fmt ` for PCM, `data` (Multimedia Programming Interface and Data Specifications 1.0, 1991). */
function wavHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(SAMPLE_RATE * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
