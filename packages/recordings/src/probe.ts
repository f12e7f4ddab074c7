import { z } from "zod";
import { READ_FORMATS } from "./formats.js";
import { inputOf, runMedia } from "./media-program.js";
import { RAW_EXAMPLES } from "./raw-audio.js";
import { beyond, unreadable } from "./unreadable.js";

const PROBE_TIMEOUT_MS = 60_000;
/** The description of a recording is shorter; one with thousands of streams is none. */
const MAX_DESCRIPTION_BYTES = 1024 * 1024;
/** What recorders write; a file that claims other rates makes seconds into days, or asks for filters of any size. */
const SAMPLE_RATES = { least: 4_000, most: 384_000 };
const MOST_CHANNELS = 32;

/** A stream of sound in a file: some recorders write one for each party. */
interface Track {
  /** Among the streams of the file. */
  index: number;
  codec: string;
  sampleRate: number;
  channels: number;
  /** ffmpeg's name of how the channels are meant to stand in a room; null where the file does not say. */
  layout: string | null;
}

/** What ffprobe says of a recording. */
export interface Probed {
  /** ffmpeg's names of the format, between commas. */
  format: string;
  tracks: Track[];
  /** Seconds that the file says to have; null where it does not, and ffmpeg only guesses. */
  declaredS: number | null;
  /** Streams of sound that cannot be decoded. */
  unknownTracks: number;
}

const number = z.coerce.number().optional().catch(undefined);
const Description = z.object({
  streams: z
    .array(
      z.object({
        index: z.number(),
        codec_type: z.string().optional(),
        codec_name: z.string().optional(),
        sample_rate: number,
        channels: z.number().optional(),
        channel_layout: z.string().optional(),
        duration: number,
      }),
    )
    .default([]),
  format: z
    .object({ format_name: z.string().default("unknown"), duration: number })
    .default({ format_name: "unknown" }),
});

interface ProbeOptions {
  formats: string;
  input: readonly string[];
  size: number;
  /** The first ones, in hexadecimal digits. */
  firstBytes: string;
  gone: AbortSignal | undefined;
}

/** @throws UnreadableRecording for what is no recording, and for what no recorder writes */
export async function probe(path: string, options: ProbeOptions): Promise<Probed> {
  const { formats, input, size, firstBytes, gone } = options;
  const entries =
    "format=format_name,duration:stream=index,codec_type,codec_name,sample_rate,channels,channel_layout,duration";
  const args = ["-v", "level+warning", ...inputOf(path, formats, input), "-show_entries", entries, "-of", "json"];
  const { code, stderr, output } = await described("ffprobe", args, { timeoutMs: PROBE_TIMEOUT_MS, gone });
  if (code !== 0) throw unreadable(notRead(stderr, path, `${size} bytes that begin with ${firstBytes}`));
  const { format, streams } = Description.parse(JSON.parse(output));
  const sounds = streams.filter(({ codec_type }) => codec_type === "audio");
  const tracks = sounds.flatMap(
    ({ index, codec_name, sample_rate, channels, channel_layout: layout = null }): Track[] =>
      channels && sample_rate && codec_name !== undefined && codec_name !== "unknown"
        ? [{ index, codec: codec_name, sampleRate: sample_rate, channels, layout }]
        : [],
  );
  if (tracks.length === 0) {
    const kinds = streams.map(
      ({ codec_type, codec_name }) => `${codec_type ?? "unknown"} (${codec_name ?? "unknown"})`,
    );
    throw unreadable(
      `The file has no audio that can be decoded. Found: ${format.format_name} with ${kinds.join(", ") || "no streams"}, ${size} bytes.`,
    );
  }
  for (const track of tracks) assertRecorded(track);
  const channels = tracks.reduce((sum, track) => sum + track.channels, 0);
  if (channels > MOST_CHANNELS) throw beyond(`at most ${MOST_CHANNELS} channels; this one claims ${channels}`);
  const isGuessed = stderr.includes("Estimating duration from bitrate");
  const durations = sounds.flatMap(({ duration }) => duration ?? []);
  const declaredS = isGuessed ? null : durations.length > 0 ? Math.max(...durations) : (format.duration ?? null);
  return { format: format.format_name, tracks, declaredS, unknownTracks: sounds.length - tracks.length };
}

function assertRecorded({ sampleRate }: Track): void {
  const { least, most } = SAMPLE_RATES;
  if (sampleRate < least || sampleRate > most)
    throw beyond(`a sample rate from ${least} to ${most} Hz; this one claims ${sampleRate} Hz`);
}

/** The list of what is read stands with it, so that nobody has to look for it. */
function notRead(stderr: string, path: string, found: string): string {
  const refused = /^\[(\S+) @ [^\]]*\] (?:\[\w+\] )?Format not on whitelist/m.exec(stderr)?.[1];
  const what =
    refused === undefined
      ? `The file is not an audio file that ffmpeg can read. Found: ${found} (${firstLine(stderr, path)}).`
      : `ffmpeg takes the file for "${refused}". Cofi does not open it: it holds no sound, or may name other files. Found: ${found}.`;
  return `${what} Cofi reads ${READ_FORMATS}. It reads recordings without a header by the end of their names (${RAW_EXAMPLES}).`;
}

/** How long the packets of all tracks say that they last, without decoding them; a little more than the limit at most. */
export async function durationOfPackets(
  path: string,
  { formats, input, gone }: Pick<ProbeOptions, "formats" | "input" | "gone">,
  maxAudioS: number,
): Promise<number> {
  const copied = ["-map", "0:a", "-c", "copy", "-t", String(maxAudioS + 2), "-f", "null", "-progress", "pipe:1", "-"];
  const args = ["-nostdin", "-v", "error", ...inputOf(path, formats, input), ...copied];
  const { output } = await described("ffmpeg", args, { timeoutMs: 10 * PROBE_TIMEOUT_MS, gone });
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
      throw beyond(`a description of at most ${MAX_DESCRIPTION_BYTES} bytes; this one has more streams`);
    chunks.push(chunk);
  };
  const result = await runMedia(program, args, { ...bounds, onOutput });
  return { ...result, output: Buffer.concat(chunks).toString("utf8") };
}

/** The first line in which ffmpeg complains, without the path and what only its authors understand. */
export function firstLine(text: string, path: string): string {
  const lines = text.split("\n").filter((candidate) => candidate.trim() !== "");
  const line = lines.find((candidate) => !candidate.includes("[warning]")) ?? lines[0] ?? "no reason given";
  return plainLine(line, path);
}

/** A line of ffmpeg without the path and what only its authors understand. */
export function plainLine(line: string, path: string): string {
  return line
    .replaceAll(/\[[^\]]*\] /g, "")
    .replaceAll(`file:${path}`, "the file")
    .replaceAll(path, "the file")
    .replaceAll(/[^\x20-\x7e]/g, "?")
    .replace(/\.$/, "");
}
