/**
 * WAV files and their relatives: RIFF and RIFX (Microsoft and IBM, "Multimedia Programming Interface and Data Specifications
 * 1.0", 1991), RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088), and AVI, which has the same chunks.
 */
import type { FileBytes } from "../file-bytes.js";
import { anotherBehind, brokenOff, fewMissing, isPlaceholder, unknownFrom, type Extent } from "./extent.js";
import { behindTags } from "./tags.js";

/** Chunks that may follow the sound, and be cut off without loss to it. */
const METADATA =
  /^(LIST|INFO|[iI][dD]3 |bext|fact|cue |smpl|PEAK|iXML|axml|aXML|chna|_PMX|JUNK|junk|PAD |FLLR|DISP|cart|afsp|inst|plst|minf|regn|umid|elm1|levl|ovwf|SAUR|LGWV|strc|acid)$/;
/** Where no format says it: linear 16-bit PCM of the telephone band. */
const BYTES_PER_S = 16_000;

/** A quarter of the work of reading PCM is that for each of ffmpeg's packets, which have 4 KB by itself. */
const LARGE_PACKETS = ["-max_size", "65536"];

const NOTHING = "No sample could be decoded: the header says that there is no sound, and none follows.";

interface Chunk {
  id: string;
  /** Of its content. */
  at: number;
  size: number;
}

interface Header {
  /** What the first chunk says of the size of all. */
  riffSize: number;
  dataSize: number;
  dataAt: number;
  bytesPerS: number;
  isLarge: boolean;
}

/** @returns null for another file */
export async function riffExtent(bytes: FileBytes): Promise<Extent | null> {
  const head = (await bytes.read(0, 12)).toString("latin1");
  if (!/^(RIFF|RIFX|RF64|BW64)/.test(head)) return null;
  const isBig = head.startsWith("RIFX");
  if (head.endsWith("WAVE")) return wavExtent(bytes, isBig);
  return head.endsWith("AVI ") ? aviExtent(bytes) : null;
}

async function chunkAt(bytes: FileBytes, at: number, isBig: boolean): Promise<Chunk | null> {
  const head = await bytes.read(at, 8);
  if (head.length < 8) return null;
  const size = isBig ? head.readUInt32BE(4) : head.readUInt32LE(4);
  return { id: head.toString("latin1", 0, 4), at: at + 8, size };
}

async function wavExtent(bytes: FileBytes, isBig: boolean): Promise<Extent> {
  const header = await wavHeader(bytes, isBig);
  if (typeof header === "string") return { end: "untold", refusal: brokenOff(header), notes: [] };
  if (header === null) return { end: "untold", notes: [] };
  const extent = await wavEnd(bytes, header, isBig);
  return { ...extent, input: [...LARGE_PACKETS, ...(extent.input ?? [])] };
}

async function wavEnd(bytes: FileBytes, header: Header, isBig: boolean): Promise<Extent> {
  const { dataSize, dataAt, bytesPerS, riffSize, isLarge } = header;
  const there = bytes.size - dataAt;
  if (there > 0 && isPlaceholder(dataSize, there, isLarge ? 64 : 32)) {
    const note =
      "The header does not say how long the sound is, as of a recorder that did not come to its end: all of the file was read.";
    return { end: "untold", toLastByte: true, notes: [note], input: ["-ignore_length", "1"] };
  }
  if (dataSize <= there) {
    const extent = await behindData(bytes, header, isBig);
    // ffmpeg would read on.
    return dataSize === 0 && extent.end === "told" ? { ...extent, refusal: NOTHING } : extent;
  }
  const missing = dataSize - there;
  // Some writers give the size of the file, or that of the whole RIFF, in its place; and the first chunk may prove that nothing is missing.
  const isMistake = dataSize === bytes.size || dataSize === bytes.size - 8 || Math.abs(riffSize + 8 - bytes.size) <= 1;
  if (isMistake) return { end: "told", notes: [fewMissing(missing, missing / bytesPerS)] };
  return { end: "told", notes: [], missing: { bytes: missing, there } };
}

/** @returns where the file ends, if that is before the sound; null for what is no WAV file after all */
async function wavHeader(bytes: FileBytes, isBig: boolean): Promise<Header | string | null> {
  const first = (await chunkAt(bytes, 0, isBig)) as Chunk;
  const header = { riffSize: first.size, isLarge: false, bytesPerS: BYTES_PER_S };
  let dataSize: number | null = null;
  for (let at = 12; ;) {
    const chunk = await chunkAt(bytes, at, isBig);
    if (chunk === null) return "before its sound begins";
    if (chunk.id === "ds64") {
      const sizes = await bytes.read(chunk.at, 16);
      if (sizes.length < 16) return "before its sound begins";
      header.riffSize = Number(sizes.readBigUInt64LE(0));
      dataSize = Number(sizes.readBigUInt64LE(8));
      header.isLarge = true;
    }
    if (chunk.id === "fmt ") {
      const format = await bytes.read(chunk.at, 12);
      if (format.length === 12)
        header.bytesPerS = (isBig ? format.readUInt32BE(8) : format.readUInt32LE(8)) || BYTES_PER_S;
    }
    if (chunk.id === "data")
      return {
        ...header,
        dataAt: chunk.at,
        dataSize: header.isLarge && chunk.size === 0xffff_ffff ? (dataSize ?? 0) : chunk.size,
      };
    if (chunk.at + chunk.size > bytes.size)
      return METADATA.test(chunk.id) ? `within ${chunk.id.trim()}, before its sound begins` : null;
    at = chunk.at + chunk.size + (chunk.size & 1);
    // Some writers leave the byte out that makes the size even.
    if (chunk.size & 1 && !(await looksLikeChunk(bytes, at)) && (await looksLikeChunk(bytes, at - 1))) at -= 1;
  }
}

async function looksLikeChunk(bytes: FileBytes, at: number): Promise<boolean> {
  return /^[ -~]{4}$/.test((await bytes.read(at, 4)).toString("latin1"));
}

/** What follows the sound: chunks, another recording, or more sound. */
async function behindData(bytes: FileBytes, { dataAt, dataSize, bytesPerS }: Header, isBig: boolean): Promise<Extent> {
  const told = (notes: string[]): Extent => ({ end: "told", notes, seconds: dataSize / bytesPerS });
  const end = dataAt + dataSize;
  let at = end + (dataSize & 1);
  if (dataSize & 1 && !(await looksLikeChunk(bytes, at)) && (await looksLikeChunk(bytes, end))) at = end;
  for (;;) {
    at = await behindTags(bytes, at);
    // A byte that makes the size even may be missing or too many.
    if (bytes.size - at <= 1) return told([]);
    const chunk = await chunkAt(bytes, at, isBig);
    if (chunk === null || !/^[ -~]{4}$/.test(chunk.id)) break;
    if (/^(RIFF|RIFX|RF64)$/.test(chunk.id)) return { ...told([]), refusal: anotherBehind(at) };
    if (chunk.at + chunk.size > bytes.size + 1) {
      if (METADATA.test(chunk.id))
        return told([`The metadata behind the sound (${chunk.id.trim()}) was cut off; the sound is whole.`]);
      break;
    }
    at = chunk.at + chunk.size + (chunk.size & 1);
  }
  const [said, held] = [dataSize / bytesPerS, (bytes.size - dataAt) / bytesPerS];
  const note = `The header says that the sound has ${said.toFixed(1)} s, and the file holds ${held.toFixed(1)} s: all of it was read.`;
  return { end: "untold", toLastByte: true, notes: [note], input: ["-ignore_length", "1"] };
}

/** A RIFF of type AVI, and behind it any number of type AVIX (OpenDML). */
async function aviExtent(bytes: FileBytes): Promise<Extent> {
  for (let at = 0; ;) {
    const chunk = await chunkAt(bytes, at, false);
    if (chunk === null || bytes.size - at <= 8) return { end: "told", notes: [] };
    const isPart = chunk.id === "RIFF" && (at === 0 || (await bytes.has("AVIX", chunk.at)));
    if (chunk.id === "RIFF" && !isPart) return { end: "told", refusal: anotherBehind(at), notes: [] };
    if (isPart && (chunk.size === 0 || isPlaceholder(chunk.size, bytes.size - chunk.at, 32))) {
      const note =
        "The header does not say how long the file is, as of a recorder that did not come to its end: all of it was read.";
      return { end: "untold", toLastByte: true, notes: [note] };
    }
    if (!isPart && !/^(JUNK|idx1|LIST)$/.test(chunk.id)) {
      const note = `The header says that the file has ${at} bytes, and it has ${bytes.size}: all of it was read.`;
      return { end: "untold", toLastByte: true, notes: [note] };
    }
    const missing = chunk.at + chunk.size - bytes.size;
    if (missing > 1) return { end: "told", notes: [], missing: { bytes: missing, there: bytes.size } };
    const strange = isPart ? await strangeAt(bytes, chunk.at + 4, chunk.at + chunk.size) : null;
    if (strange !== null) return { end: "told", notes: [], refusal: unknownFrom(strange) };
    at = chunk.at + chunk.size + (chunk.size & 1);
  }
}

/** Where chunks of an AVI end to be chunks; null where they do not. ffmpeg passes over what it does not find, without a word. */
async function strangeAt(bytes: FileBytes, from: number, end: number): Promise<number | null> {
  for (let at = from; at + 8 <= end;) {
    const chunk = await chunkAt(bytes, at, false);
    if (chunk === null) return null;
    if (chunk.id === "LIST") {
      const list = (await bytes.read(chunk.at, 4)).toString("latin1");
      if (list === "movi" || list === "rec ") {
        at = chunk.at + 4;
        continue;
      }
    }
    if (!/^[ -~]{4}$/.test(chunk.id)) return at;
    at = chunk.at + chunk.size + (chunk.size & 1);
  }
  return null;
}
