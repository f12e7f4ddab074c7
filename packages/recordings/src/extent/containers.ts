/** Containers of sound and pictures: MP4 and its relatives, Matroska and WebM, ASF (WMA), Flash video, RealMedia. */
import type { FileBytes } from "../file-bytes.js";
import { anotherBehind, brokenOff, cutOff, isPlaceholder, unknownFrom, type Extent } from "./extent.js";
import { nothingBehind } from "./tags.js";

/** @returns null for another file */
export async function containerExtent(bytes: FileBytes): Promise<Extent | null> {
  const head = await bytes.read(0, 16);
  if (/^(ftyp|moov|mdat|wide|free|skip|styp|pnot)$/.test(head.toString("latin1", 4, 8))) return mp4Extent(bytes);
  if (head.toString("hex").startsWith("1a45dfa3")) return matroskaExtent(bytes);
  if (head.toString("hex") === ASF.header) return asfExtent(bytes);
  if (head.toString("latin1", 0, 4) === ".RMF") return realMediaExtent(bytes);
  return head.toString("latin1", 0, 3) === "FLV" ? flashExtent(bytes) : null;
}

/** ISO base media file format (ISO/IEC 14496-12): boxes. */
async function mp4Extent(bytes: FileBytes): Promise<Extent> {
  const told: Extent = { end: "told", notes: [] };
  const seen = new Set<string>();
  for (let at = 0; at < bytes.size;) {
    const { type, size } = (await boxAt(bytes, at)) ?? NO_BOX;
    const missing = at + size - bytes.size;
    if (missing > 0 && !BOXES.test(type)) {
      const surplus = bytes.size - at;
      if (surplus < 8) break;
      // The index says where the sound is, unless each part has one of its own; a table of these parts is the last one.
      if (!seen.has("moov") || (seen.has("moof") && !seen.has("mfra"))) return { ...told, refusal: unknownFrom(at) };
      told.notes.push(`The ${surplus} bytes at the end of the file belong to no part of it, and were not read.`);
      break;
    }
    // Only the first index is read.
    if (type === "moov" && seen.has("moov")) return { ...told, refusal: anotherBehind(at) };
    seen.add(type);
    if (missing > 0) {
      const refusal = type === "mdat" && !seen.has("moov") ? WITHOUT_INDEX : cutOff(missing);
      return { ...told, refusal };
    }
    at += size;
  }
  if (!seen.has("moov")) return { ...told, refusal: WITHOUT_INDEX };
  // Fragments follow each other until somebody stops; the index of them all, at the end, shows that they did.
  return { ...told, end: seen.has("moof") && !seen.has("mfra") ? "untold" : "told" };
}

/** Those that stand outside of others. */
const BOXES = /^(ftyp|styp|moov|mdat|moof|mfra|sidx|ssix|prft|emsg|meta|udta|uuid|free|skip|wide|pnot|pdin)$/;
const NO_BOX = { type: "", size: Infinity };
const WITHOUT_INDEX =
  "The file was cut off, or its recorder did not come to its end: it lacks its index (moov), without which the sound in it cannot be found.";

async function boxAt(bytes: FileBytes, at: number): Promise<{ type: string; size: number } | null> {
  const head = await bytes.read(at, 16);
  const type = head.toString("latin1", 4, 8);
  if (head.length < 8 || !/^[ -~\xa9]{4}$/.test(type)) return null;
  const size = head.readUInt32BE(0);
  if (size === 0) return { type, size: bytes.size - at };
  if (size !== 1) return size < 8 ? null : { type, size };
  return head.length < 16 ? { type, size: 16 } : { type, size: Number(head.readBigUInt64BE(8)) };
}

const EBML = { segment: 0x18538067, cluster: 0x1f43b675 };

/** Matroska (RFC 9559) in EBML (RFC 8794). Live recordings have elements of unknown size. */
async function matroskaExtent(bytes: FileBytes): Promise<Extent> {
  const told: Extent = { end: "told", notes: [] };
  let isInside = false;
  for (let at = 0; at < bytes.size;) {
    const element = await elementAt(bytes, at);
    if (element === null) return { ...told, ...(await nothingBehind(bytes, at)), end: "untold" };
    const { id, content, size } = element;
    if (size === null) {
      if (id !== EBML.segment && id !== EBML.cluster) return { ...told, refusal: brokenOff("within its header") };
      told.end = "untold";
      isInside = true;
      at = content;
      continue;
    }
    const end = content + size;
    if (end > bytes.size) return { ...told, refusal: cutOff(end - bytes.size) };
    // Sizes inside of a segment that says its own are those of ffmpeg to judge.
    at = end;
    if (id === EBML.segment && at < bytes.size && !isInside) {
      told.end = "untold";
      told.notes.push(`The file has ${bytes.size - at} bytes more than its header says: all of it was read.`);
      return told;
    }
  }
  return told;
}

async function elementAt(
  bytes: FileBytes,
  at: number,
): Promise<{ id: number; content: number; size: number | null } | null> {
  const head = await bytes.read(at, 12);
  const idLength = Math.clz32(head[0] ?? 0) - 23;
  if (idLength > 4) return null;
  const first = head[idLength] ?? 0;
  const sizeLength = Math.clz32(first) - 23;
  // A head that is cut off asks for more than is there.
  if (head.length < idLength + sizeLength) return { id: 0, content: at + 12, size: 1 };
  if (sizeLength > 8) return null;
  const id = head.readUIntBE(0, idLength);
  let size = first & (0xff >> sizeLength);
  let isUnknown = size === 0xff >> sizeLength;
  for (let index = 1; index < sizeLength; index++) {
    const byte = head[idLength + index] ?? 0;
    isUnknown &&= byte === 0xff;
    size = size * 256 + byte;
  }
  return { id, content: at + idLength + sizeLength, size: isUnknown ? null : size };
}

const ASF = {
  header: "3026b2758e66cf11a6d900aa0062ce6c",
  data: "3626b2758e66cf11a6d900aa0062ce6c",
  file: "a1dcab8c47a9cf118ee400c00c205365",
};

/** Advanced Systems Format (Microsoft, revision 01.20.03): objects with a GUID and a size. */
async function asfExtent(bytes: FileBytes): Promise<Extent> {
  const told: Extent = { end: "told", notes: [] };
  const header = await bytes.read(0, 30);
  const headerSize = header.length < 30 ? bytes.size + 1 : Number(header.readBigUInt64LE(16));
  let isLive = false;
  for (let at = 30; at < Math.min(headerSize, bytes.size);) {
    const part = await bytes.read(at, 92);
    if (part.length < 24) break;
    // A recorder that writes as it goes says so, and leaves sizes open.
    if (part.toString("hex", 0, 16) === ASF.file && part.length === 92) isLive = (part.readUInt32LE(88) & 1) !== 0;
    at += Math.max(24, Number(part.readBigUInt64LE(16)));
  }
  let hasSound = false;
  for (let at = 0; at < bytes.size;) {
    const part = await bytes.read(at, 24);
    const kind = part.toString("hex", 0, 16);
    if (at > 0 && kind === ASF.header) return { ...told, refusal: anotherBehind(at) };
    const size = part.length < 24 ? bytes.size : Number(part.readBigUInt64LE(16));
    const missing = at + size - bytes.size;
    if (hasSound && (size < 24 || missing > 0)) return nothingBehind(bytes, at);
    if (size < 24 || (isLive && missing > 0)) return { ...told, end: "untold" };
    if (missing > 0) return { ...told, refusal: cutOff(missing) };
    hasSound ||= kind === ASF.data && !isLive;
    at += size;
  }
  return { ...told, end: isLive ? "untold" : "told" };
}

/** Sound, pictures, descriptions. */
const FLASH_TAGS = [8, 9, 18];

/** Flash video (Adobe, "Video File Format Specification 10"): tags, each followed by its size. */
async function flashExtent(bytes: FileBytes): Promise<Extent> {
  const told: Extent = { end: "untold", notes: [], seconds: 0 };
  const head = await bytes.read(0, 9);
  let at = (head.length < 9 ? 9 : head.readUInt32BE(5)) + 4;
  while (at < bytes.size) {
    const tag = await bytes.read(at, 11);
    if (tag.toString("latin1", 0, 3) === "FLV") return { ...told, refusal: anotherBehind(at) };
    if (!FLASH_TAGS.includes(tag[0] ?? 0)) return { ...told, ...(await nothingBehind(bytes, at)), end: "untold" };
    const end = tag.length < 11 ? bytes.size + 1 : at + 15 + tag.readUIntBE(1, 3);
    if (end > bytes.size) return { ...told, refusal: brokenOff("within one of its parts") };
    // What is decoded may be less than the time that it has reached: pauses are not in it.
    if (tag[0] === 8) told.seconds = (tag.readUIntBE(4, 3) + (tag[7] ?? 0) * 2 ** 24) / 1000;
    at = end;
  }
  return at > bytes.size ? { ...told, refusal: brokenOff("before its sound begins") } : told;
}

/**
 * Where among the packets of RealMedia something else stands: each begins with a version and its length, which counts its head. ffmpeg passes over
 * what is none without a word. Placeholders for the length of all packets are small or reach beyond the end of the file.
 */
async function noPacketAt(bytes: FileBytes, from: number, to: number): Promise<number | null> {
  for (let at = from; at + 12 <= to;) {
    const head = await bytes.read(at, 4);
    const [version, length] = [head.readUInt16BE(0), head.readUInt16BE(2)];
    if (version > 1 || length < 12) return at;
    at += length;
  }
  return null;
}

/** RealMedia: chunks with a name of four letters and a size that counts their heads. Live ones leave that of the sound open. */
async function realMediaExtent(bytes: FileBytes): Promise<Extent> {
  const told: Extent = { end: "told", notes: [] };
  for (let at = 0; at < bytes.size;) {
    const head = await bytes.read(at, 8);
    const name = head.toString("latin1", 0, 4);
    if (at > 0 && name === ".RMF") return { ...told, refusal: anotherBehind(at) };
    if (!/^(\.RMF|PROP|CONT|MDPR|DATA|INDX|RMMD|RMJE)$/.test(name)) return nothingBehind(bytes, at);
    const size = head.length < 8 ? 8 : head.readUInt32BE(4);
    const damaged = name === "DATA" ? await noPacketAt(bytes, at + 18, Math.min(at + size, bytes.size)) : null;
    if (damaged !== null) return { ...told, refusal: unknownFrom(damaged) };
    if (name === "DATA" && (size < 18 || isPlaceholder(size, bytes.size - at, 32))) return { ...told, end: "untold" };
    const end = at + Math.max(8, size);
    // ffmpeg's own files count the head of the sound twice.
    const missing = end - bytes.size - (name === "DATA" ? 10 : 0);
    if (missing > 0) return { ...told, refusal: cutOff(missing) };
    at = end;
  }
  return told;
}
