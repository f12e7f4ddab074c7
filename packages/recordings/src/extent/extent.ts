/** What the structure of a file says about where its sound ends, before anything of it is decoded. */
export interface Extent {
  /**
   * `told`: the file says where its sound ends, and that is where it ends. `untold`: the format, or this file, does not say: one
   * that was cut off between two frames looks whole.
   */
  end: "told" | "untold";
  /** Why it cannot be used, as a sentence: it was cut off, or holds more than its header says. */
  refusal?: string;
  /** What is not as it should be, and is tolerated; each a sentence. */
  notes: string[];
  /** Options with which ffmpeg reads all of it. */
  input?: readonly string[];
  /** How long its structure says that it is. Not set where it does not. */
  seconds?: number;
  /** What the header announces and the file does not have, and what it has: how long that would sound is known when it is decoded. */
  missing?: { bytes: number; there: number };
  /** It is read to its last byte, wherever that is: that packets end there means nothing. */
  toLastByte?: true;
}

/** Sound that may be missing at the end of a file: it is said, and the file is used. More is a recording that was cut off. */
export const TOLERATED_S = 0.25;

/** In a field of so many bits: the largest numbers with a sign, about. Some writers leave room for what stands in front. */
const LEAST_PLACEHOLDER = { 32: 0x7f00_0000, 64: 2 ** 60 };

/**
 * Whether the size that a header announces says nothing. Programs that write to a pipe, or do not come to finish the header, leave
 * one of the largest numbers.
 */
export function isPlaceholder(size: number, there: number, bits: 32 | 64): boolean {
  return size > there && size >= LEAST_PLACEHOLDER[bits];
}

/** The note on a file that has a few bytes less than it announces. */
export function fewMissing(bytes: number, seconds: number): string {
  return `The header announces ${count(bytes)} more than the file has (${seconds.toFixed(3)} s): what is there was read.`;
}

/** The refusal of a file that has less than it announces. */
export function cutOff(bytes: number): string {
  return `The file was cut off: its header announces ${count(bytes)} more than it has.`;
}

function count(bytes: number): string {
  return bytes === 1 ? "1 byte" : `${bytes} bytes`;
}

/** The refusal of a file that breaks off where `where` says. */
export function brokenOff(where: string): string {
  return `The file was cut off: it ends ${where}.`;
}

/** The note on a file whose last part, of those called `part`, does not say that it is the last. */
export function withoutEnd(part: string): string {
  return `No ${part} of the file is marked as its last one: it may have been cut off, or its recorder did not come to its end.`;
}

/** The refusal of a file that goes on behind its end. */
export function anotherBehind(at: number): string {
  return `The file holds another recording behind the first one, from byte ${at} on, which would not be heard. Split it into two files.`;
}

/** The refusal of a file that goes on with something else. */
export function unknownFrom(at: number): string {
  return `From byte ${at} on, the file has nothing that its format knows: it was damaged, or its header says less than it holds. Export the recording again.`;
}
