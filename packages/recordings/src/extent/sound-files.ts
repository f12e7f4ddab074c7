/** Files whose header gives the size of the sound: AIFF, CAF, Wave64, AU, VOC, SoX and NIST SPHERE. */
import type { FileBytes } from "../file-bytes.js";
import { anotherBehind, brokenOff, isPlaceholder, unknownFrom, withoutEnd, type Extent } from "./extent.js";
import { behindTags, nothingBehind } from "./tags.js";

/** Where a header says that the sound lies. */
interface Said {
  dataAt: number;
  /** null: not said. */
  dataSize: number | null;
  /** The bits of the field that says it. */
  sizeBits?: 32 | 64;
}

const UNSAID =
  "The header does not say how long the sound is, and ffmpeg reads no Wave64 file without that. Export the recording again.";
const CUT_BEFORE: Extent = { end: "told", refusal: brokenOff("before its sound begins"), notes: [] };

/** @returns null for another file */
export async function soundFileExtent(bytes: FileBytes): Promise<Extent | null> {
  const head = (await bytes.read(0, 12)).toString("latin1");
  if (/^FORM....AIF[FC]/s.test(head)) return chunksExtent(bytes, AIFF);
  if (head.startsWith("caff")) return chunksExtent(bytes, CAF);
  if (head.startsWith("riff\x2e\x91\xcf\x11")) return chunksExtent(bytes, WAVE64);
  if (head.startsWith(".snd")) return auExtent(bytes);
  if (head.startsWith("Creative Voi")) return vocExtent(bytes);
  if (head.startsWith(".SoX")) return soxExtent(bytes);
  return head.startsWith("NIST_1A") ? sphereExtent(bytes) : null;
}

/** Compares what is said with what is there. `after`: looks at what follows the sound, from the byte where it ends on. */
async function compared(bytes: FileBytes, said: Said, after: (end: number) => Promise<Extent>): Promise<Extent> {
  const { dataAt, dataSize, sizeBits = 32 } = said;
  const there = bytes.size - dataAt;
  if (dataSize === null || isPlaceholder(dataSize, there, sizeBits)) {
    const note = "The header does not say how long the sound is: all of the file was read.";
    return { end: "untold", toLastByte: true, notes: [note] };
  }
  if (dataSize <= there) return after(dataAt + dataSize);
  return { end: "told", notes: [], missing: { bytes: dataSize - there, there } };
}

/** What follows the sound of a file that has nothing but sound behind its header: ffmpeg reads on. */
async function moreSound(bytes: FileBytes, end: number): Promise<Extent> {
  const surplus = bytes.size - (await behindTags(bytes, end));
  if (surplus <= 1) return { end: "told", notes: [] };
  const note = `The file holds ${surplus} bytes more than its header says: all of it was read.`;
  return { end: "untold", toLastByte: true, notes: [note] };
}

/** The shapes of chunks, in which a size follows a name of four letters. */
interface Chunks {
  headBytes: number;
  /** Chunks begin at multiples of it. */
  align: number;
  /** Where the first one is. */
  from: number;
  sound: string;
  /** Of the content; below zero where it is not known. */
  sizeOf(head: Buffer): number;
  sizeBits: 32 | 64;
}

/** Audio Interchange File Format (Apple, 1989 and 1991). */
const AIFF: Chunks = {
  headBytes: 8,
  align: 2,
  from: 12,
  sound: "SSND",
  sizeOf: (head) => head.readUInt32BE(4),
  sizeBits: 32,
};
/** Apple Core Audio Format Specification 1.0. */
const CAF: Chunks = {
  headBytes: 12,
  align: 1,
  from: 8,
  sound: "data",
  sizeOf: (head) => Number(head.readBigInt64BE(4)),
  sizeBits: 64,
};
/** Sony Wave64: names are GUIDs, of which the first four bytes are those of WAV, and sizes count the head of the chunk. */
const WAVE64: Chunks = {
  headBytes: 24,
  align: 8,
  from: 40,
  sound: "data",
  sizeOf: (head) => Number(head.readBigUInt64LE(16)) - 24,
  sizeBits: 64,
};

async function chunksExtent(bytes: FileBytes, chunks: Chunks): Promise<Extent> {
  const { headBytes, align, from, sound, sizeOf, sizeBits } = chunks;
  for (let at = from; ;) {
    const head = await bytes.read(at, headBytes);
    if (head.length < headBytes) return CUT_BEFORE;
    const size = sizeOf(head);
    if (head.toString("latin1", 0, 4) === sound) {
      const said = { dataAt: at + headBytes, dataSize: size < 0 ? null : size, sizeBits };
      if (chunks === WAVE64 && isPlaceholder(size, bytes.size - said.dataAt, 64))
        return { ...CUT_BEFORE, refusal: UNSAID };
      return compared(bytes, said, (end) => chunksBehind(bytes, chunks, end));
    }
    at = Math.ceil((at + headBytes + Math.max(0, size)) / align) * align;
  }
}

/** Walks over the chunks behind the sound. */
async function chunksBehind(bytes: FileBytes, chunks: Chunks, end: number): Promise<Extent> {
  const { headBytes, align } = chunks;
  const told: Extent = { end: "told", notes: [] };
  const first = (await bytes.read(0, 4)).toString("latin1");
  let at = Math.ceil(end / align) * align;
  for (;;) {
    at = await behindTags(bytes, at);
    if (bytes.size - at < align) return told;
    const head = await bytes.read(at, headBytes);
    const name = head.toString("latin1", 0, 4);
    if (name === first) return { ...told, refusal: anotherBehind(at) };
    const next = head.length < headBytes ? bytes.size + 1 : at + headBytes + Math.max(0, chunks.sizeOf(head));
    if (!/^[a-zA-Z()][ -~]{1,3}$/.test(name)) break;
    if (next >= bytes.size + align || head.length < headBytes) {
      if (name === "pakt") return { ...told, refusal: brokenOff("within the table of its packets") };
      if (!/^[a-zA-Z\d()]{2,4} {0,2}$/.test(name)) break;
      return { ...told, notes: [`The metadata behind the sound (${name.trim()}) was cut off; the sound is whole.`] };
    }
    at = Math.ceil(next / align) * align;
  }
  return nothingBehind(bytes, at);
}

/** Sun and NeXT audio (audio(4), "Au file format"). */
async function auExtent(bytes: FileBytes): Promise<Extent> {
  const head = await bytes.read(0, 24);
  if (head.length < 24) return CUT_BEFORE;
  const said = { dataAt: head.readUInt32BE(4), dataSize: head.readUInt32BE(8) };
  return compared(bytes, said, (end) => moreSound(bytes, end));
}

/** Creative Voice: blocks with a type and a size, up to one of type 0. */
async function vocExtent(bytes: FileBytes): Promise<Extent> {
  const told: Extent = { end: "told", notes: [] };
  const head = await bytes.read(0, 26);
  if (head.length < 26) return CUT_BEFORE;
  for (let at = head.readUInt16LE(20); ;) {
    const block = await bytes.read(at, 4);
    if (block[0] === 0) {
      const end = await behindTags(bytes, at + 1);
      // Zeros behind the last block may be blocks that were never written.
      return bytes.size - end <= 1 ? told : { ...told, refusal: unknownFrom(end) };
    }
    if (block.length === 0) return { ...told, end: "untold", notes: [withoutEnd("block")] };
    const end = block.length < 4 ? bytes.size + 1 : at + 4 + block.readUIntLE(1, 3);
    if (end > bytes.size) return { ...told, refusal: brokenOff("within a block of sound") };
    at = end;
  }
}

/** SoX's own format: samples of 32 bits behind a header that counts them. */
async function soxExtent(bytes: FileBytes): Promise<Extent> {
  const head = await bytes.read(0, 32);
  if (head.length < 32) return CUT_BEFORE;
  const samples = Number(head.readBigUInt64LE(8));
  const dataSize = samples === 0 ? null : samples * 4;
  const said = { dataAt: 4 + head.readUInt32LE(4), dataSize };
  return compared(bytes, said, (end) => moreSound(bytes, end));
}

/** NIST SPHERE: a header of text. Its sound may be compressed, and then has no size that follows from it. */
async function sphereExtent(bytes: FileBytes): Promise<Extent> {
  const text = (await bytes.read(0, 4096)).toString("latin1");
  const number = (name: string): number => Number(new RegExp(`^${name} -i (\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);
  const dataAt = Number(/^NIST_1A\n\s*(\d+)\n/.exec(text)?.[1] ?? 1024);
  const size = number("sample_count") * number("sample_n_bytes") * number("channel_count");
  const isPlain = Number.isFinite(size) && !/sample_coding -s\d+ \S*,/.test(text);
  const said = { dataAt, dataSize: isPlain ? size : null };
  return compared(bytes, said, (end) => moreSound(bytes, end));
}
