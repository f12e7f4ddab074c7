/** A part of a recording as a WAV file that every recogniser takes: 16 kHz, mono, 16 bits. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { SHORTEST_S, type Span } from "./audio-pieces.js";
import { EngineError, type Fault } from "./engine-error.js";
import { Turns } from "./turns.js";

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

/**
 * The same bytes whenever it is asked for. Where the recording ends before `span` does, so does the result.
 * @throws EngineError when nothing can be decoded there, or ffmpeg is not installed
 */
export async function cutAudio(
  path: string,
  { start_s, end_s }: Span,
  signal: AbortSignal,
): Promise<Buffer<ArrayBuffer>> {
  const chunks = await turns.take(() => decoded(path, start_s, end_s - start_s, signal), signal);
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  if (secondsIn(bytes + HEADER_BYTES) < SHORTEST_S)
    throw broken(`The recording has no audio between ${start_s} s and ${end_s} s.`, "unreadable-audio", "file");
  return Buffer.concat([wavHeader(bytes), ...chunks]);
}

function decoded(path: string, startS: number, seconds: number, signal: AbortSignal): Promise<Buffer[]> {
  // Seeking in the output, not in the file: the start of a compressed recording is found by decoding it alone.
  // Times are counted in samples, as the engines do, for packets may have gaps between them.
  const sound = ["-i", `file:${path}`, "-map", "0:a:0", "-af", "asetpts=N/SR/TB"];
  const part = ["-ss", startS.toFixed(3), "-t", seconds.toFixed(3)];
  // Without the limit two like channels would be mixed 3 dB louder than either.
  const as = ["-ac", "1", "-rematrix_maxval", "1", "-ar", String(SAMPLE_RATE), "-f", "s16le", "pipe:1"];
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // It parses what anybody may have made: a key or a password is not there to be found.
    const { PATH, LANG, LC_ALL, TMPDIR, HOME } = process.env;
    const ffmpeg = spawn(
      "ffmpeg",
      ["-nostdin", "-v", "error", "-threads", "1", ...INPUT_LIMITS, ...sound, ...part, ...as],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH, LANG, LC_ALL, TMPDIR, HOME },
      },
    );
    const chunks: Buffer[] = [];
    let complaint = "";
    let failure: Error | undefined;
    ffmpeg.on("error", (error) => {
      failure ??= cannotStart(error);
    });
    const stop = (reason: Error): void => {
      failure ??= reason;
      ffmpeg.kill("SIGKILL");
    };
    const leave = (): void => stop(signal.reason as Error);
    signal.addEventListener("abort", leave, { once: true });
    const late = `ffmpeg had not decoded the recording after ${DECODE_TIMEOUT_MS / 1000} s.`;
    const timer = setTimeout(() => stop(broken(late, "decoding-failed", "answer")), DECODE_TIMEOUT_MS);
    // Without a file descriptor left there is no pipe.
    ffmpeg.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    ffmpeg.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (complaint.length < 1_000) complaint += text;
    });
    ffmpeg.on("close", (code, ended) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
      if (failure) reject(failure);
      // What it wrote until then may be a part of the audio. The system may have needed its memory: another try may go well.
      else if (code === null) reject(broken(`ffmpeg was ended by ${ended}.`, "decoding-failed", "answer"));
      else if (code === 0 || chunks.length > 0) resolve(chunks);
      else reject(broken(`No audio can be decoded: ${firstLine(complaint, path)}.`, "unreadable-audio", "file"));
    });
  });
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
