/** Files that are frames behind each other, each of which says its length: MP3, AAC, AC-3, AMR, GSM and the like. */
import type { FileBytes } from "../file-bytes.js";
import type { Extent } from "./extent.js";
import {
  aacFrame,
  ac3Frame,
  amrFrame,
  dtsFrame,
  g723Frame,
  gsmFrame,
  latmFrame,
  mlpFrame,
  programStreamFrame,
  sbcFrame,
  type Frame,
} from "./frame-heads.js";
import { behindId3, behindTags } from "./tags.js";

/** The bytes of a frame's head that are looked at. */
const HEAD_BYTES = 16;
const WINDOW_BYTES = 64 * 1024;
/** As many frames behind each other are no accident. */
const PROOF_FRAMES = 4;

interface Kind {
  /** Where the first frame is, behind a magic text. */
  from: number;
  frame: (head: Buffer) => Frame | null;
  /** Frames begin with a mark by which the next one is found behind damage. */
  isMarked: boolean;
}

/** The frames of a file. */
export interface Walk {
  /** Behind the last whole frame. */
  end: number;
  frames: number;
  seconds: number;
  /** Bytes between frames that belong to none. */
  lost: number;
  /** The last frame lacks so many bytes. */
  missing: number;
}

/** @param format as ffmpeg calls it @returns null for another one */
export async function framesExtent(bytes: FileBytes, format: string): Promise<Extent | null> {
  const kind = await kindOf(bytes, format);
  if (kind === null) return null;
  const walk = await walkFrames(bytes, kind);
  return { end: "untold", notes: notesOn(walk), seconds: walk.seconds };
}

/** What is odd about the frames of a file. */
export function notesOn({ lost, missing }: Walk): string[] {
  const notes: string[] = [];
  if (lost > 0) notes.push(`${lost} bytes of the file belong to no frame of sound, and were passed over.`);
  if (missing > 0) notes.push(`The last frame lacks ${missing} bytes: the file may have been cut off.`);
  return notes;
}

const MARKED: Readonly<Record<string, Kind["frame"]>> = {
  aac: aacFrame,
  loas: latmFrame,
  ac3: ac3Frame,
  eac3: ac3Frame,
  dts: dtsFrame,
  gsm: gsmFrame,
  sbc: sbcFrame,
};
const UNMARKED: Readonly<Record<string, Kind["frame"]>> = {
  g723_1: g723Frame,
  mlp: mlpFrame,
  truehd: mlpFrame,
  g729: () => ({ length: 10, seconds: 0.01 }),
};

async function kindOf(bytes: FileBytes, format: string): Promise<Kind | null> {
  if (format === "amr") {
    const isWide = await bytes.has("#!AMR-WB\n", 0);
    // Several channels have a magic text of their own, and are left to ffmpeg.
    if (!isWide && !(await bytes.has("#!AMR\n", 0))) return null;
    return { from: isWide ? 9 : 6, frame: amrFrame(isWide), isMarked: false };
  }
  if (format === "mpegts") return transportStream(bytes);
  if (format === "mpeg") return { from: 0, frame: programStreamFrame, isMarked: true };
  const frame = MARKED[format] ?? UNMARKED[format];
  if (frame === undefined) return null;
  return { from: await behindId3(bytes), frame, isMarked: format in MARKED };
}

/** MPEG-2 transport stream (ISO/IEC 13818-1): packets of 188 bytes; those of cameras and discs have four more in front. */
async function transportStream(bytes: FileBytes): Promise<Kind> {
  const [, , , , fifth = 0] = await bytes.read(0, 5);
  const [first = 0] = await bytes.read(0, 1);
  const [length, markAt] = first !== 0x47 && fifth === 0x47 ? [192, 4] : [188, 0];
  const frame = (head: Buffer): Frame | null => (head[markAt] === 0x47 ? { length, seconds: 0 } : null);
  return { from: 0, frame, isMarked: true };
}

/** Whether frames of a kind follow each other from `at` on. */
export async function isProven(bytes: FileBytes, at: number, frame: Kind["frame"]): Promise<boolean> {
  let next = at;
  for (let count = 0; count < PROOF_FRAMES; count++) {
    const head = await bytes.read(next, HEAD_BYTES);
    const found = frame(head);
    if (found === null) return count > 0 && next >= bytes.size;
    next += found.length;
  }
  return true;
}

/** Walks over all frames of a file. */
export async function walkFrames(bytes: FileBytes, { from, frame, isMarked }: Kind): Promise<Walk> {
  const walk: Walk = { end: from, frames: 0, seconds: 0, lost: 0, missing: 0 };
  let at = from;
  while (at < bytes.size) {
    const window = await bytes.read(at, WINDOW_BYTES);
    const isLast = at + window.length >= bytes.size;
    // A head at the end of a window is looked at again at the beginning of the next.
    const limit = isLast ? window.length : window.length - HEAD_BYTES + 1;
    let place = 0;
    while (place < limit) {
      const found = frame(window.subarray(place, place + HEAD_BYTES));
      if (found === null) break;
      const missing = at + place + found.length - bytes.size;
      if (missing > 0) return { ...walk, missing };
      walk.frames += 1;
      walk.seconds += found.seconds;
      place += found.length;
      walk.end = at + place;
    }
    at += place;
    if (place >= limit) continue;
    const behind = await behindTags(bytes, at);
    if (behind > at) {
      at = behind;
      continue;
    }
    const next = isMarked ? await nextFrame(bytes, at + 1, frame) : bytes.size;
    walk.lost += next - at;
    at = next;
  }
  return walk;
}

/** Where frames go on; the end of the file where they do not. */
async function nextFrame(bytes: FileBytes, from: number, frame: Kind["frame"]): Promise<number> {
  for (let at = from; at < bytes.size;) {
    const window = await bytes.read(at, WINDOW_BYTES);
    for (let place = 0; place < window.length; place++) {
      const isFrame = frame(window.subarray(place, place + HEAD_BYTES)) !== null;
      if (isFrame && (await isProven(bytes, at + place, frame))) return at + place;
    }
    at += window.length;
  }
  return bytes.size;
}
