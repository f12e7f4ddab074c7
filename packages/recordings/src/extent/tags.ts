/** Tags that programs put in front of a recording or behind it, whatever the format: ID3, APE and Lyrics3. */
import type { FileBytes } from "../file-bytes.js";
import { unknownFrom, type Extent } from "./extent.js";

/** Where the sound begins, behind ID3v2 tags (https://id3.org/id3v2.4.0-structure). */
export async function behindId3(bytes: FileBytes): Promise<number> {
  for (let at = 0; ;) {
    const head = await bytes.read(at, 10);
    if (head.length < 10 || head.toString("latin1", 0, 3) !== "ID3") return at;
    at += id3Bytes(head);
  }
}

/** Where the file goes on behind the tags that stand at `at`; its end where one of them was cut off. */
export async function behindTags(bytes: FileBytes, at: number): Promise<number> {
  for (let next = at; ;) {
    const head = await bytes.read(next, 32);
    const text = head.toString("latin1", 0, 11);
    const left = bytes.size - next;
    if (text.startsWith("TAG") && left <= 128) return bytes.size;
    // Its length stands behind it, where only an ID3v1 tag follows.
    if (text.startsWith("LYRICSBEGIN")) return bytes.size;
    // Chunks may have the same name.
    const isId3 = text.startsWith("ID3") && (head[3] ?? 0) < 0x20;
    if (!text.startsWith("APETAGEX") && !isId3) return next;
    if (head.length < 16) return bytes.size;
    // The size of an APE tag (https://wiki.hydrogenaud.io/index.php?title=APE_Tags_Header) leaves out the header, and has the footer in it.
    const size = isId3 ? id3Bytes(head) : 32 + head.readUInt32LE(12);
    next = Math.min(bytes.size, next + size);
  }
}

/** Where the format has nothing more to say behind the sound: tags are passed over, and zeros, which whatever moved the file has left. */
export async function nothingBehind(bytes: FileBytes, end: number): Promise<Extent> {
  const at = await behindTags(bytes, end);
  const told: Extent = { end: "told", notes: [] };
  // A byte that makes the size even.
  if (bytes.size - at <= 1) return told;
  if (!(await areZeros(bytes, at))) return { ...told, refusal: unknownFrom(at) };
  return { ...told, notes: [`The ${bytes.size - at} bytes at the end of the file are zeros, and were not read.`] };
}

async function areZeros(bytes: FileBytes, from: number): Promise<boolean> {
  for (let at = from; at < bytes.size;) {
    const window = await bytes.read(at, 32 * 1024);
    if (window.some((byte) => byte !== 0)) return false;
    at += window.length;
  }
  return true;
}

/** Of a tag with its head. */
function id3Bytes(head: Buffer): number {
  const size = [6, 7, 8, 9].reduce((sum, index) => sum * 128 + ((head[index] ?? 0) & 127), 0);
  return 10 + size + (((head[5] ?? 0) & 0x10) === 0 ? 0 : 10);
}
