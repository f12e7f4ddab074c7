/** The heads of frames: how many bytes each has, and how many seconds of sound. */

export interface Frame {
  length: number;
  seconds: number;
}

const MPEG_RATES = [44_100, 48_000, 32_000];
/** kbit/s of layers 1 to 3 of version 1, and of layer 1 and the others of versions 2 and 2.5. */
const MPEG_BITRATES = {
  v1: [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  ],
  v2: [
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  ],
} as const;

/** MPEG audio (ISO/IEC 11172-3 and 13818-3; version 2.5 by Fraunhofer). Frames of free bit rate do not say their length. */
export function mpegFrame(head: Buffer): Frame | null {
  const [a = 0, b = 0, c = 0] = head;
  if (a !== 0xff || (b & 0xe0) !== 0xe0) return null;
  const version = (b >> 3) & 3;
  const layer = 4 - ((b >> 1) & 3);
  const rateIndex = (c >> 2) & 3;
  const isFirst = version === 3;
  const kbits = MPEG_BITRATES[isFirst ? "v1" : "v2"][layer - 1]?.[(c >> 4) - 1];
  const fullRate = MPEG_RATES[rateIndex];
  if (version === 1 || kbits === undefined || fullRate === undefined) return null;
  const rate = fullRate / (isFirst ? 1 : version === 2 ? 2 : 4);
  const padding = (c >> 1) & 1;
  if (layer === 1) return { length: (Math.floor((12_000 * kbits) / rate) + padding) * 4, seconds: 384 / rate };
  const samples = layer === 3 && !isFirst ? 576 : 1152;
  return { length: Math.floor((samples * 125 * kbits) / rate) + padding, seconds: samples / rate };
}

const AAC_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/** AAC in ADTS (ISO/IEC 13818-7). */
export function aacFrame(head: Buffer): Frame | null {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = head;
  const rate = AAC_RATES[(c >> 2) & 15];
  if (a !== 0xff || (b & 0xf6) !== 0xf0 || rate === undefined) return null;
  const length = ((d & 3) << 11) | (e << 3) | (f >> 5);
  return length < 7 ? null : { length, seconds: (1024 * ((g & 3) + 1)) / rate };
}

/** AAC in LATM with the marks of LOAS (ISO/IEC 14496-3). How long a frame sounds stands elsewhere. */
export function latmFrame(head: Buffer): Frame | null {
  const [a = 0, b = 0, c = 0] = head;
  return a === 0x56 && (b & 0xe0) === 0xe0 ? { length: (((b & 0x1f) << 8) | c) + 3, seconds: 0 } : null;
}

const AC3_KBITS = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
const AC3_RATES = [48_000, 44_100, 32_000];

/** AC-3 and E-AC-3 (ETSI TS 102 366). */
export function ac3Frame(head: Buffer): Frame | null {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = head;
  if (a !== 0x0b || b !== 0x77) return null;
  const version = f >> 3;
  const rate = AC3_RATES[e >> 6];
  if (version > 16) return null;
  if (version > 10) {
    const blocks = rate === undefined ? 6 : [1, 2, 3, 6][(e >> 4) & 3]!;
    const lower = [24_000, 22_050, 16_000][(e >> 4) & 3] ?? 24_000;
    // Further substreams go with the first, and take no time of their own.
    const isFirst = c >> 6 !== 1 && ((c >> 3) & 7) === 0;
    return { length: (((c & 7) << 8) | d) * 2 + 2, seconds: isFirst ? (256 * blocks) / (rate ?? lower) : 0 };
  }
  const kbits = AC3_KBITS[(e & 0x3f) >> 1];
  if (kbits === undefined || rate === undefined) return null;
  const words = Math.floor((kbits * 96_000) / rate) + (rate === 44_100 ? e & 1 : 0);
  return { length: words * 2, seconds: 1536 / rate };
}

/** DTS Coherent Acoustics, core frames of 16 bits (ETSI TS 102 114). */
export function dtsFrame(head: Buffer): Frame | null {
  if (head.length < 8 || head.readUInt32BE(0) !== 0x7ffe8001) return null;
  const [, , , , , b = 0, c = 0, d = 0] = head;
  return { length: (((b & 3) << 12) | (c << 4) | (d >> 4)) + 1, seconds: 0 };
}

/** GSM 06.10 full rate, each frame marked by its first four bits. */
export function gsmFrame(head: Buffer): Frame | null {
  return (head[0] ?? 0) >> 4 === 0xd ? { length: 33, seconds: 0.02 } : null;
}

/** AMR and AMR-WB with one channel (RFC 4867, storage format). */
export function amrFrame(isWide: boolean): (head: Buffer) => Frame | null {
  const lengths = isWide ? [18, 24, 33, 37, 41, 47, 51, 59, 61, 6] : [13, 14, 16, 18, 20, 21, 27, 32, 6];
  return ([first = 0]) => {
    const type = (first >> 3) & 15;
    // Types in between are for later use; 14 and 15 stand for frames that were lost or not sent.
    const length = lengths[type] ?? (type >= (isWide ? 14 : 15) ? 1 : undefined);
    return length === undefined ? null : { length, seconds: 0.02 };
  };
}

/** G.723.1, whose first two bits say how long a frame is. */
export function g723Frame([first = 0]: Buffer): Frame | null {
  return { length: [24, 20, 4, 1][first & 3]!, seconds: 0.03 };
}

/** Meridian Lossless Packing and TrueHD: access units, whose length is in their first two bytes. */
export function mlpFrame([first = 0, second = 0]: Buffer): Frame | null {
  const length = (((first & 15) << 8) | second) * 2;
  return length < 4 ? null : { length, seconds: 0 };
}

const SBC_RATES = [16_000, 32_000, 44_100, 48_000];

/** SBC (Bluetooth, Advanced Audio Distribution Profile, Appendix B), and mSBC, whose frames are all alike. */
export function sbcFrame([mark = 0, b = 0, bitpool = 0]: Buffer): Frame | null {
  if (mark === 0xad) return { length: 57, seconds: 0.0075 };
  if (mark !== 0x9c) return null;
  const [blocks, mode, bands] = [4 * (((b >> 4) & 3) + 1), (b >> 2) & 3, b & 1 ? 8 : 4];
  const channels = mode === 0 ? 1 : 2;
  const bits = mode < 2 ? blocks * channels * bitpool : (mode === 3 ? bands : 0) + blocks * bitpool;
  const length = 4 + (4 * bands * channels) / 8 + Math.ceil(bits / 8);
  return { length, seconds: (blocks * bands) / (SBC_RATES[b >> 6] ?? 16_000) };
}

/** MPEG-1 and MPEG-2 program streams (ISO/IEC 11172-1 and 13818-1): heads of packs, and packets that say their length. */
export function programStreamFrame(head: Buffer): Frame | null {
  if (head.length < 4 || head.readUIntBE(0, 3) !== 1) return null;
  const kind = head[3] ?? 0;
  if (kind === PACK.end) return { length: 4, seconds: 0 };
  if (kind === PACK.head) return { length: (head[4] ?? 0) >> 6 === 1 ? 14 + ((head[13] ?? 0) & 7) : 12, seconds: 0 };
  return kind < PACK.system || head.length < 6 ? null : { length: 6 + head.readUInt16BE(4), seconds: 0 };
}

const PACK = { end: 0xb9, head: 0xba, system: 0xbb };
