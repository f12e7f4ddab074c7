/** MP3 and MP2. Encoders put a frame without sound in front that says how many follow: Xing's, LAME's or Fraunhofer's (VBRI). */
import type { FileBytes } from "../file-bytes.js";
import { cutOff, fewMissing, TOLERATED_S, type Extent } from "./extent.js";
import { isProven, notesOn, walkFrames } from "./frames.js";
import { mpegFrame } from "./frame-heads.js";
import { behindId3 } from "./tags.js";

/** Junk before the first frame is passed over up to here, as players do. */
const SEARCH_BYTES = 64 * 1024;

/** What encoders say stands in so many bytes. */
const SAID_BYTES = 64;

interface Said {
  frames: number | null;
  bytes: number | null;
}

/** @returns null where no frame is found that says its length */
export async function mpegAudioExtent(bytes: FileBytes): Promise<Extent | null> {
  const start = await firstFrame(bytes, await behindId3(bytes));
  if (start === null) return null;
  const first = mpegFrame(await bytes.read(start, 4));
  const walk = await walkFrames(bytes, { frame: mpegFrame, isMarked: true, from: start });
  const said = await saidAt(bytes, start);
  const extent: Extent = { end: "untold", notes: notesOn(walk), seconds: walk.seconds };
  if (said === null || first === null) return extent;
  // The first one says how many follow, and in how many bytes with it.
  const frames = walk.frames - 1;
  const missing = said.bytes === null ? 0 : start + said.bytes - bytes.size;
  const lacking = said.frames === null ? 0 : said.frames - frames;
  const seconds = Math.max(0, walk.seconds - first.seconds);
  if (lacking > 1 || missing > first.length) {
    const lost = Math.max(1, lacking) * first.seconds;
    const lostBytes = Math.max(missing, 1);
    return lost > TOLERATED_S || said.frames === null
      ? { ...extent, seconds, refusal: said.frames === null ? cutOff(lostBytes) : framesMissing(said.frames, frames) }
      : { ...extent, seconds, notes: [...extent.notes, fewMissing(lostBytes, lost)] };
  }
  if (lacking < -1) {
    const note = `The header says that the sound has ${said.frames} frames, and there are ${frames}: all of them were read.`;
    return { ...extent, seconds, notes: [...extent.notes, note] };
  }
  return { ...extent, seconds, end: said.frames === null ? "untold" : "told" };
}

function framesMissing(said: number, there: number): string {
  return `The file was cut off or damaged: its header announces ${said} frames, and ${there} are there.`;
}

async function firstFrame(bytes: FileBytes, from: number): Promise<number | null> {
  for (let at = from; at < Math.min(bytes.size, from + SEARCH_BYTES); at++) {
    if (mpegFrame(await bytes.read(at, 4)) !== null && (await isProven(bytes, at, mpegFrame))) return at;
  }
  return null;
}

async function saidAt(bytes: FileBytes, at: number): Promise<Said | null> {
  // A file may end before.
  const frame = Buffer.alloc(SAID_BYTES);
  (await bytes.read(at, SAID_BYTES)).copy(frame);
  const [, b = 0, , d = 0] = frame;
  const isFirst = ((b >> 3) & 3) === 3;
  const isMono = d >> 6 === 3;
  const xingAt = 4 + (isFirst ? (isMono ? 17 : 32) : isMono ? 9 : 17);
  const mark = frame.toString("latin1", xingAt, xingAt + 4);
  if (mark === "Xing" || mark === "Info") {
    const flags = frame.readUInt32BE(xingAt + 4);
    const frames = flags & 1 ? frame.readUInt32BE(xingAt + 8) : null;
    return { frames, bytes: flags & 2 ? frame.readUInt32BE(xingAt + (frames === null ? 8 : 12)) : null };
  }
  if (frame.toString("latin1", 36, 40) === "VBRI")
    return { bytes: frame.readUInt32BE(46), frames: frame.readUInt32BE(50) };
  return null;
}
