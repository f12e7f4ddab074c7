/**
 * Recordings without a header. Nothing in them says what they are, and what ffmpeg guesses from their bytes may be anything: the
 * end of their name decides.
 */
import { extname } from "node:path";
import type { FileBytes } from "./file-bytes.js";
import { unreadable } from "./unreadable.js";

/** How recordings without a header are read, where neither their codec nor their name says it. */
export interface RawAudioSettings {
  /** Hz. */
  rate: number;
  channels: number;
  /** For names that say nothing (.raw, .pcm). */
  codec: RawCodec | null;
}

/** Mono in the telephone band. */
export const RAW_AUDIO_DEFAULTS: RawAudioSettings = { rate: 8_000, channels: 1, codec: null };

interface Codec {
  /** As people call it. */
  what: string;
  demuxer: string;
  /** As ffmpeg names it. */
  codec: string;
  /** Where the codec has a rate of its own; else the setting holds. */
  rate?: number;
  /** Of one sample, where all are of one size. */
  bits?: number;
  options?: readonly string[];
}

const CODECS = {
  mulaw: { what: "µ-law", demuxer: "mulaw", codec: "pcm_mulaw", bits: 8 },
  alaw: { what: "A-law", demuxer: "alaw", codec: "pcm_alaw", bits: 8 },
  s16le: { what: "linear 16-bit PCM, little-endian", demuxer: "s16le", codec: "pcm_s16le", bits: 16 },
  s16be: { what: "linear 16-bit PCM, big-endian", demuxer: "s16be", codec: "pcm_s16be", bits: 16 },
  s8: { what: "linear 8-bit PCM, signed", demuxer: "s8", codec: "pcm_s8", bits: 8 },
  u8: { what: "linear 8-bit PCM, unsigned", demuxer: "u8", codec: "pcm_u8", bits: 8 },
  u16le: { what: "linear 16-bit PCM, unsigned", demuxer: "u16le", codec: "pcm_u16le", bits: 16 },
  // ITU-T G.722 has no other rate; each byte holds two samples.
  g722: { what: "G.722", demuxer: "g722", codec: "adpcm_g722", rate: 16_000, bits: 4 },
  g726: {
    what: "G.726 at 32 kbit/s",
    demuxer: "g726",
    codec: "adpcm_g726",
    rate: 8_000,
    bits: 4,
    options: ["-code_size", "4"],
  },
  g726le: {
    what: "G.726 at 32 kbit/s, packed as in RTP",
    demuxer: "g726le",
    codec: "adpcm_g726le",
    rate: 8_000,
    bits: 4,
    options: ["-code_size", "4"],
  },
  // The demuxer only cuts it into pieces.
  vox: { what: "Dialogic ADPCM", demuxer: "u8", codec: "adpcm_ima_oki", bits: 4, options: ["-c:a", "adpcm_ima_oki"] },
} satisfies Record<string, Codec>;

export type RawCodec = keyof typeof CODECS;
export const RAW_CODECS = Object.keys(CODECS) as readonly RawCodec[];

const NAMES: Readonly<Record<RawCodec, string>> = {
  mulaw: "ul ulaw mulaw mu ulw pcmu",
  alaw: "al alaw alw pcma",
  s16le: "sln sw s16 s16le",
  s16be: "s16be",
  s8: "sb s8",
  u8: "ub u8",
  u16le: "uw u16le",
  g722: "g722 722",
  g726: "g726",
  g726le: "g726le",
  vox: "vox",
};
const BY_EXTENSION: ReadonlyMap<string, RawCodec> = new Map(
  RAW_CODECS.flatMap((codec) => NAMES[codec].split(" ").map((extension): [string, RawCodec] => [extension, codec])),
);
/** Asterisk's names for signed linear PCM say the rate in kHz. */
const LINEAR_RATES: Readonly<Record<string, number>> = {
  12: 12_000,
  16: 16_000,
  24: 24_000,
  32: 32_000,
  44: 44_100,
  48: 48_000,
  96: 96_000,
  192: 192_000,
};
/** Asterisk's names for G.726 say the kbit/s, of two to five bits a sample. */
const G726_BITS: Readonly<Record<string, number>> = { 16: 2, 24: 3, 32: 4, 40: 5 };
/** Recorders name anything so: Asterisk's .pcm is µ-law, others' is linear. */
const UNSPECIFIC = ["raw", "pcm"];
/** Formats whose header ffmpeg does not look for: it goes by the name. */
const NAMED_DEMUXERS: Readonly<Record<string, string>> = {
  g729: "g729",
  g723: "g723_1",
  g723_1: "g723_1",
  tco: "g723_1",
  rco: "g723_1",
  sbc: "sbc",
  msbc: "sbc",
  aptx: "aptx",
  aptxhd: "aptx_hd",
  dfpwm: "dfpwm",
  rso: "rso",
};
/** Recorders put a header in front also where the name promises none. */
const MAGIC = /^(RIFF|RIFX|RF64|BW64|OggS|fLaC|FORM|caff|\.snd|riff|#!AMR|ID3|.E\xdf\xa3|....ftyp|Creative Voice)/s;

/** Ends of the names of such recordings, in lower case and without the point. */
export const RAW_EXTENSIONS: readonly string[] = [
  ...BY_EXTENSION.keys(),
  ...Object.keys(LINEAR_RATES).map((khz) => `sln${khz}`),
  ...Object.keys(G726_BITS).map((kbits) => `g726-${kbits}`),
  ...UNSPECIFIC,
];

/** One for each codec, for sentences. */
export const RAW_EXAMPLES = RAW_CODECS.map((codec) => `.${NAMES[codec].split(" ")[0]}`).join(", ");

/** How ffmpeg is told to read a file that it would not know by itself. */
export interface ByName {
  input: readonly string[];
  demuxer: string;
  /** Of recordings without any header: what a probe would only repeat. */
  sound?: { codec: string; sampleRate: number; channels: number; seconds: number; note: string };
}

/**
 * How a file has to be read for the sake of its name; null where ffmpeg finds out by itself.
 * @throws UnreadableRecording where the name says that there is no header, and nothing says what follows
 */
export async function readByName(bytes: FileBytes, name: string, settings: RawAudioSettings): Promise<ByName | null> {
  const extension = extname(name).slice(1).toLowerCase();
  const raw = rawCodecOf(extension, settings);
  const demuxer = NAMED_DEMUXERS[extension];
  if (raw === null && demuxer === undefined && !UNSPECIFIC.includes(extension)) return null;
  if (MAGIC.test((await bytes.read(0, 16)).toString("latin1"))) return null;
  if (demuxer !== undefined) return { input: ["-f", demuxer], demuxer };
  if (raw === null)
    throw unreadable(
      `The file has no header that ffmpeg knows, and a name that ends in .${extension} does not say what it holds. ` +
        `Set COFI_RAW_AUDIO_CODEC to one of ${RAW_CODECS.join(", ")}, and COFI_RAW_AUDIO_RATE.`,
    );
  const { rate: sampleRate = settings.rate, bits, what, codec, options = [] } = raw;
  // Codecs with a rate of their own have one channel.
  const channels = raw.rate === undefined && codec !== CODECS.vox.codec ? settings.channels : 1;
  const shape =
    raw.demuxer === "g722"
      ? []
      : raw.rate === undefined
        ? ["-ar", String(sampleRate), "-ac", String(channels)]
        : ["-sample_rate", String(sampleRate)];
  const seconds = (bytes.size * 8) / (bits * sampleRate * channels);
  const note =
    `The file has no header: by its name it was read as ${what} at ${sampleRate} Hz with ${channels === 1 ? "one channel" : `${channels} channels`}` +
    `${raw.rate === undefined ? " (COFI_RAW_AUDIO_RATE, COFI_RAW_AUDIO_CHANNELS)" : ""}.`;
  const input = ["-f", raw.demuxer, ...shape, ...options];
  return { input, demuxer: raw.demuxer, sound: { codec, sampleRate, channels, seconds, note } };
}

function rawCodecOf(extension: string, settings: RawAudioSettings): (Codec & { bits: number }) | null {
  const rate = LINEAR_RATES[/^sln(\d+)$/.exec(extension)?.[1] ?? ""];
  if (rate !== undefined) return { ...CODECS.s16le, rate };
  const kbits = /^g726-(\d+)$/.exec(extension)?.[1] ?? "";
  const bits = G726_BITS[kbits];
  if (bits !== undefined) {
    const what = `G.726 at ${kbits} kbit/s, packed as in RTP`;
    return { ...CODECS.g726le, what, bits, options: ["-code_size", String(bits)] };
  }
  const named = BY_EXTENSION.get(extension) ?? (UNSPECIFIC.includes(extension) ? settings.codec : null);
  return named === null ? null : CODECS[named];
}
