/** True Audio and WavPack: they count their samples. */
import type { FileBytes } from "../file-bytes.js";
import { anotherBehind, cutOff, brokenOff, type Extent } from "./extent.js";
import { behindId3, behindTags, nothingBehind } from "./tags.js";

/** @returns null for another file */
export async function losslessExtent(bytes: FileBytes): Promise<Extent | null> {
  const from = await behindId3(bytes);
  if (await bytes.has("TTA1", from)) return trueAudioExtent(bytes, from);
  if (await bytes.has("wvpk", from)) return wavPackExtent(bytes, from);
  return null;
}

/** True Audio (TTA1): behind the header the sizes of all frames. */
async function trueAudioExtent(bytes: FileBytes, from: number): Promise<Extent> {
  const told: Extent = { end: "told", notes: [] };
  const head = await bytes.read(from, 22);
  if (head.length < 22) return { ...told, refusal: brokenOff("before its sound begins") };
  const [rate, samples] = [head.readUInt32LE(10), head.readUInt32LE(14)];
  const frameSamples = Math.floor((256 * rate) / 245);
  const frames = Math.ceil(samples / Math.max(1, frameSamples));
  let end = from + 22 + 4 * frames + 4;
  for (let frame = 0; frame < frames; frame++) {
    const size = await bytes.read(from + 22 + 4 * frame, 4);
    if (size.length < 4) return { ...told, refusal: brokenOff("before its sound begins") };
    end += size.readUInt32LE(0);
  }
  if (end > bytes.size) return { ...told, refusal: cutOff(end - bytes.size) };
  const behind = await behindTags(bytes, end);
  return (await bytes.has("TTA1", behind)) ? { ...told, refusal: anotherBehind(behind) } : nothingBehind(bytes, behind);
}

/** WavPack 4 and 5: blocks, of which the first says how many samples there are in all. */
async function wavPackExtent(bytes: FileBytes, from: number): Promise<Extent> {
  const told: Extent = { end: "told", notes: [] };
  let total = -1;
  let reached = 0;
  for (let at = from; at < bytes.size;) {
    at = await behindTags(bytes, at);
    if (bytes.size - at <= 1) break;
    const head = await bytes.read(at, 32);
    if (head.toString("latin1", 0, 4) !== "wvpk") return nothingBehind(bytes, at);
    if (head.length < 32) return { ...told, refusal: brokenOff("within the head of a block") };
    const size = 8 + head.readUInt32LE(4);
    if (at + size > bytes.size) return { ...told, refusal: cutOff(at + size - bytes.size) };
    const index = head.readUInt32LE(16);
    if (at === from && head.readUInt32LE(12) !== 0xffff_ffff) total = head.readUInt32LE(12);
    if (at > from && index === 0 && total >= 0 && reached >= total) return { ...told, refusal: anotherBehind(at) };
    reached = Math.max(reached, index + head.readUInt32LE(20));
    at += size;
  }
  if (total < 0) return { ...told, end: "untold" };
  return reached < total ? { ...told, refusal: brokenOff(`after ${reached} of its ${total} samples`) } : told;
}
