/** Ogg (RFC 3533): pages, of which the last one of each stream is marked. */
import type { FileBytes } from "../file-bytes.js";
import { brokenOff, withoutEnd, type Extent } from "./extent.js";
import { behindTags } from "./tags.js";

const HEAD_BYTES = 27;
const LAST_OF_STREAM = 4;

/** @returns null for another file */
export async function oggExtent(bytes: FileBytes): Promise<Extent | null> {
  if (!(await bytes.has("OggS", 0))) return null;
  const extent: Extent = { end: "told", notes: [] };
  const open = new Set<number>();
  let lost = 0;
  for (let at = 0; at < bytes.size;) {
    const head = await bytes.read(at, HEAD_BYTES + 255);
    if (head.toString("latin1", 0, 4) !== "OggS") {
      const behind = await behindTags(bytes, at);
      const next = behind > at ? behind : await nextPage(bytes, at + 1);
      // The first bytes of a page that was cut off in its head are among these.
      if (behind === at) lost += next - at;
      at = next;
      continue;
    }
    const segments = head[26] ?? 0;
    const contentAt = HEAD_BYTES + segments;
    const isWhole = head.length >= contentAt && head.length >= HEAD_BYTES;
    const size = contentAt + head.subarray(HEAD_BYTES, contentAt).reduce((sum, part) => sum + part, 0);
    if (!isWhole || at + size > bytes.size) return { ...extent, refusal: brokenOff("within a page") };
    const serial = head.readUInt32LE(14);
    if (((head[5] ?? 0) & LAST_OF_STREAM) === 0) open.add(serial);
    else open.delete(serial);
    at += size;
  }
  if (lost > 0) extent.notes.push(`${lost} bytes of the file belong to no page of Ogg, and were passed over.`);
  if (open.size > 0) {
    extent.end = "untold";
    extent.notes.push(withoutEnd("page"));
  }
  return extent;
}

/** Where the next page begins; the end of the file where there is none. */
async function nextPage(bytes: FileBytes, from: number): Promise<number> {
  for (let at = from; at < bytes.size;) {
    const window = await bytes.read(at, 32 * 1024);
    const found = window.indexOf("OggS", 0, "latin1");
    if (found >= 0) return at + found;
    at += Math.max(1, window.length - 3);
  }
  return bytes.size;
}
