/** Reads recordings as recorders make them: whatever ffmpeg decodes, whole or refused, with every party heard. */
import { stat } from "node:fs/promises";
import { endianness } from "node:os";
import { basename } from "node:path";
import { examine } from "./extent/examine.js";
import { cutOff, type Extent } from "./extent/extent.js";
import { Complaints, judgeLength } from "./length.js";
import { FileBytes } from "./file-bytes.js";
import { DEMUXERS } from "./formats.js";
import { inputOf, runMedia } from "./media-program.js";
import { Mixer } from "./mixer.js";
import { durationOfPackets, firstLine, probe, type Probed } from "./probe.js";
import { RAW_AUDIO_DEFAULTS, readByName, type ByName, type RawAudioSettings } from "./raw-audio.js";
import { beyond, unreadable, UnreadableRecording } from "./unreadable.js";

/** Of programs that read the whole recording. */
const DECODE_TIMEOUT_MS = 10 * 60_000;
/** An opposite phase of so many seconds is said; less may be chance. */
const TURNED_S = 1;

export interface ReadOptions {
  /** The name of the recording, where that of the file is another one: raw audio is known by it alone. */
  name?: string | undefined;
  raw?: RawAudioSettings | undefined;
  /** Of the samples, in Hz. */
  sampleRate: number;
  /** The longest recording that is read, in seconds. */
  maxAudioS: number;
  /** One channel of all tracks, from 0 on, in place of a mix in which all are heard. */
  channel?: number | undefined;
  /** Seconds; of a part nobody asks whether the recording is whole. */
  part?: { startS: number; seconds: number } | undefined;
  gone?: AbortSignal | undefined;
  /** Is given the length that the recording says to have, in seconds, where it says one. */
  onLength?: ((seconds: number) => void) | undefined;
  /** Takes the samples, values in -1…1, as they come, in memory that is used again for the next ones. */
  onSamples: (samples: Float32Array<ArrayBuffer>) => void | Promise<void>;
}

/** What a recording is, as in its file. */
export interface RecordingFacts {
  /** Of the first track. */
  sampleRate: number;
  /** Of all tracks together. */
  channels: number;
  /** Streams of sound: some recorders write one for each party. */
  tracks: number;
  /** ffmpeg's name of the codec, such as `pcm_s16le`, `pcm_mulaw`, `mp3`, `opus`. */
  codec: string;
  /** Every way in which it is not as it should be, and was read all the same; each a sentence. */
  notes: string[];
  /** Whether the file says where its sound ends. One that does not may have been cut off between two frames. */
  lengthKnown: boolean;
}

/** A recording that was looked at, and can be decoded. */
interface Looked {
  extent: Extent | null;
  probed: Probed;
  formats: string;
  input: readonly string[];
  notes: string[];
  seconds: number | null;
  found: string;
}

/**
 * Reads a recording. What its bytes say of their end, and what its header claims, is looked at before anything is decoded; what is
 * decoded all the same ends at the limit, so that a file of any kind takes no more memory than that.
 * @throws UnreadableRecording; the reason of `gone`; another error when a program was ended, cannot be started or was not done in
 * time: a busy machine is not the fault of the recording
 */
export async function readRecording(path: string, options: ReadOptions): Promise<RecordingFacts> {
  const { maxAudioS, part, sampleRate, gone } = options;
  const looked = await look(path, options);
  const { probed, extent, found } = looked;
  const { declaredS, tracks } = probed;
  const saidS = looked.seconds ?? (extent?.toLastByte ? null : declaredS) ?? extent?.seconds ?? 0;
  if (!part) assertNotTooLong(saidS, maxAudioS);
  options.onLength?.(saidS);
  const most = Math.ceil((maxAudioS + 1) * sampleRate);
  const channels = tracks.reduce((sum, track) => sum + track.channels, 0);
  if (options.channel !== undefined && options.channel >= channels)
    throw new RangeError(`There is no channel ${options.channel}: the recording has ${channels}.`);

  let samples = 0;
  const mixer = new Mixer(options.channel === undefined ? channels : 1, sampleRate, (mixed) => {
    samples += mixed.length;
    if (samples > most) assertNotTooLong(samples / sampleRate, maxAudioS);
    return options.onSamples(mixed);
  });
  const complaints = new Complaints(path);
  const onLine = (line: string): void => complaints.add(line);
  const args = await decodeArguments(path, looked, options);
  const onOutput = (chunk: Buffer): Promise<void> => mixer.add(chunk);
  const { code, stderr } = await runMedia("ffmpeg", args, { timeoutMs: DECODE_TIMEOUT_MS, onOutput, onLine, gone });
  await mixer.end();

  if (code !== 0 && samples === 0)
    throw unreadable(`ffmpeg could not decode it: ${firstLine(stderr, path)}. Found: ${found}.`);
  const notes = [...looked.notes];
  let lengthKnown = false;
  if (!part) {
    if (samples === 0) throw unreadable(`No sample could be decoded. Found: ${found}.`);
    const length = judgeLength({
      extent,
      probed,
      decodedS: samples / sampleRate,
      complaints,
      gaveUp: code !== 0,
      found,
    });
    notes.push(...length.notes);
    lengthKnown = length.isKnown;
  }
  if (mixer.turnedS > TURNED_S)
    notes.push(
      `The channels are in opposite phase for ${mixer.turnedS.toFixed(1)} s and would cancel each other: one was turned before they were mixed.`,
    );
  const [first] = tracks;
  return {
    sampleRate: first!.sampleRate,
    channels,
    tracks: tracks.length,
    codec: first!.codec,
    notes,
    lengthKnown,
  };
}

/** @throws UnreadableRecording for what is no recording, is not whole, or was made by no recorder */
async function look(path: string, { name, raw, gone }: ReadOptions): Promise<Looked> {
  const { size } = await stat(path);
  if (size === 0) throw unreadable("The file is empty (0 bytes).");
  return FileBytes.of(path, async (bytes) => {
    const byName = await readByName(bytes, name ?? basename(path), raw ?? RAW_AUDIO_DEFAULTS);
    if (byName?.sound) return withoutHeader(byName, byName.sound, size);
    const { formats, input } = byName
      ? { formats: byName.demuxer, input: byName.input }
      : { formats: DEMUXERS, input: [] };
    const firstBytes = (await bytes.read(0, 8)).toString("hex").replaceAll(/(..)(?=.)/g, "$1 ");
    const probed = await probe(path, { formats, input, size, firstBytes, gone }).catch(async (error: unknown) => {
      // What its structure says is clearer than what ffmpeg makes of it.
      const refusal = error instanceof UnreadableRecording ? (await examine(bytes, null))?.refusal : undefined;
      throw refusal === undefined ? error : unreadable(`${refusal} Found: ${size} bytes.`);
    });
    const extent = await examine(bytes, probed.format);
    const codecs = [...new Set(probed.tracks.map(({ codec }) => codec))].join(", ");
    const found = `${probed.format} with ${codecs}, ${size} bytes`;
    const refusal =
      extent?.missing && extent.missing.bytes > extent.missing.there ? cutOff(extent.missing.bytes) : extent?.refusal;
    if (refusal !== undefined) throw unreadable(`${refusal} Found: ${found}.`);
    const notes = [...(extent?.notes ?? []), ...notesOnTracks(probed)];
    return {
      extent,
      probed,
      formats: probed.format,
      input: [...input, ...(extent?.input ?? [])],
      notes,
      seconds: null,
      found,
    };
  });
}

function withoutHeader(byName: ByName, sound: NonNullable<ByName["sound"]>, size: number): Looked {
  const { codec, sampleRate, channels, seconds, note } = sound;
  const tracks = [{ index: 0, codec, sampleRate, channels, layout: null }];
  const probed = { format: byName.demuxer, tracks, declaredS: null, unknownTracks: 0 };
  const found = `${codec} without a header, ${size} bytes`;
  const extent: Extent = { end: "untold", notes: [], toLastByte: true };
  return { extent, probed, formats: byName.demuxer, input: byName.input, notes: [note], seconds, found };
}

function notesOnTracks({ tracks, unknownTracks }: Probed): string[] {
  const notes: string[] = [];
  if (tracks.length > 1) notes.push(`The file has ${tracks.length} tracks of sound: all of them were read, and mixed.`);
  if (unknownTracks > 0)
    notes.push(`${unknownTracks} more tracks of sound have a codec that ffmpeg does not know, and were not read.`);
  return notes;
}

function assertNotTooLong(durationS: number, maxAudioS: number): void {
  // A packet may end a moment after the sound.
  if (durationS > maxAudioS + 1)
    throw beyond(`at most ${maxAudioS} s (COFI_MAX_AUDIO_S of the engine); this one is longer. Split the recording`);
}

/** Of ffmpeg, which writes interleaved 32-bit samples of all channels, or of one. */
async function decodeArguments(path: string, looked: Looked, options: ReadOptions): Promise<string[]> {
  const { tracks } = looked.probed;
  const { sampleRate, channel, part, maxAudioS, gone } = options;
  const wanted = channel === undefined ? null : placeOf(channel, looked.probed);
  // Times are counted in samples: packets may have gaps between them. Only tracks beside each other have to keep theirs.
  const lengthS = tracks.length > 1 ? await durationOfPackets(path, { ...looked, gone }, maxAudioS) : 0;
  const together = `aresample=${sampleRate}:async=1:first_pts=0,aformat=sample_fmts=flt,apad=whole_dur=${lengthS.toFixed(3)},`;
  const read = wanted === null ? tracks.map((track, place) => ({ track, place })) : [wanted];
  const inputs = read.map(({ track, place }) => {
    const only = wanted === null ? undefined : wanted.channel;
    return `[0:${track.index}]${tracks.length > 1 ? together : ""}${channelsOf(track, only)}[t${place}]`;
  });
  const merge = `${read.map(({ place }) => `[t${place}]`).join("")}${read.length > 1 ? `amerge=inputs=${read.length},` : ""}`;
  const graph = [...inputs, `${merge}asetpts=N/SR/TB[sound]`].join(";");
  // Seeking in the output, not in the file: the start of a compressed recording is found by decoding it alone.
  const span = part ? ["-ss", part.startS.toFixed(3), "-t", part.seconds.toFixed(3)] : [];
  const format = endianness() === "LE" ? "f32le" : "f32be";
  const input = inputOf(path, looked.formats, looked.input);
  // "pipe" is the output's protocol; the whitelist before -i holds for the input alone.
  const quiet = ["-nostdin", "-v", "level+warning", "-threads", "1", "-filter_complex_threads", "1"];
  const sound = ["-filter_complex", graph, "-map", "[sound]", ...span];
  return [...quiet, ...input, ...sound, "-ar", String(sampleRate), "-f", format, "pipe:1"];
}

/** One channel; or all of them as they are, also where their number changes within the file. */
function channelsOf({ layout, channels }: Probed["tracks"][number], only: number | undefined): string {
  if (only !== undefined) return `pan=mono|c0=c${only}`;
  const named = layout ?? ["mono", "stereo"][channels - 1] ?? "";
  if (/^[\w.()]+$/.test(named)) return `aformat=channel_layouts=${named}`;
  return `pan=${channels}c|${Array.from({ length: channels }, (_, channel) => `c${channel}=c${channel}`).join("|")}`;
}

/** The track in which a channel of the recording is. */
function placeOf(channel: number, { tracks }: Probed) {
  let first = 0;
  for (const [place, track] of tracks.entries()) {
    if (channel < first + track.channels) return { track, place, channel: channel - first };
    first += track.channels;
  }
  throw new RangeError(`There is no channel ${channel}: the recording has ${first}.`);
}
