/** Whether what was decoded is all of a recording. */
import { cutOff, fewMissing, TOLERATED_S, type Extent } from "./extent/extent.js";
import { plainLine, type Probed } from "./probe.js";
import { unreadable } from "./unreadable.js";

/** Formats whose header says how long the sound is; that of the others is an estimate, or counts more than the sound. */
const DECLARES_DURATION = /^(flac|mov|matroska|aiff|caf|w64|asf|flv|rm|wtv|tta|wv|ape|tak|mpc8?|mxf|voc)\b/;
/** Of these it has the gaps between packets in it, and is believed where ffmpeg complains of the file. */
const DECLARES_WITH_GAPS = /^(ogg|wav)$/;
/** Of these not a sample may be missing. */
const LOSSLESS = /^(flac|tta|wv|ape|tak|aiff|w64)\b/;
/** Seconds that may be missing without a word, and with one. Encoders of other formats have delays that headers count in. */
const TOLERANCES = { lossless: { silent: 0.001, said: 0.25 }, others: { silent: 0.3, said: 0.6 } };
/** Warnings of ffmpeg about files that are not whole; the others are about its own doings. */
const DAMAGE = /corrupt|ended prematurely|partial file|truncat|size mismatch|no index at the end|incomplete/i;
/** What ffmpeg adds to a complaint, and says alone only where nothing else explains it. */
const ECHO = /^Error while decoding stream|^Error submitting packet to decoder/;
/** Complaints of ffmpeg that say nothing of the file. */
const HARMLESS = /Last message repeated|non monotonically increasing|Queue input is backward in time/;
const COMPLAINT_CHARACTERS = 160;

/** What ffmpeg complains of while it decodes. */
export class Complaints {
  /** Those that are errors; and those about the ends of packets, of which some structures know better. */
  errors = 0;
  warnings = 0;
  readonly #path: string;
  #first: { error: string | null; warning: string | null } = { error: null, warning: null };

  constructor(path: string) {
    this.#path = path;
  }

  add(line: string): void {
    if (HARMLESS.test(line)) return;
    const isError = /\[(error|fatal|panic)\]/.test(line);
    if (!isError && !DAMAGE.test(line)) return;
    const said = plainLine(line, this.#path).slice(0, COMPLAINT_CHARACTERS).trim();
    if (isError) {
      this.errors += 1;
      if (this.#first.error === null || ECHO.test(this.#first.error)) this.#first.error = said;
    } else {
      this.warnings += 1;
      this.#first.warning ??= said;
    }
  }

  /** null when there is none. */
  note(ignoresWarnings: boolean): string | null {
    const first = this.#first.error ?? (ignoresWarnings ? null : this.#first.warning);
    if (first === null) return null;
    const times = this.errors + (ignoresWarnings ? 0 : this.warnings);
    return `ffmpeg complained ${times === 1 ? "once" : `${times} times`} while it decoded the file: ${first.replace(/\.$/, "")}.`;
  }
}

interface Length {
  extent: Extent | null;
  probed: Probed;
  decodedS: number;
  complaints: Complaints;
  /** ffmpeg gave up before the end. */
  gaveUp: boolean;
  found: string;
}

/**
 * Compares what a recording says of its length with what was decoded.
 * @returns notes on what is tolerated, and whether the file says where it ends
 * @throws UnreadableRecording when some of it is missing
 */
export function judgeLength(length: Length): { notes: string[]; isKnown: boolean } {
  const { extent, probed, decodedS, complaints, gaveUp, found } = length;
  const isWhole = extent?.end === "told";
  const complaint = complaints.note(isWhole || extent?.toLastByte === true);
  const declaredS = (DECLARES_DURATION.test(probed.format) && probed.declaredS) || 0;
  const framesS = extent?.seconds ?? 0;
  const isHurt = complaints.errors > 0 || gaveUp;
  const withGapsS = (DECLARES_WITH_GAPS.test(probed.format) && !extent?.toLastByte && probed.declaredS) || 0;
  const expectedS = isHurt ? Math.max(declaredS, withGapsS, framesS) : isWhole ? 0 : declaredS;
  const reachedS = isHurt || framesS === 0 ? decodedS : framesS;
  const { silent, said } = TOLERANCES[LOSSLESS.test(probed.format) ? "lossless" : "others"];
  const missing = expectedS - reachedS;
  if (missing > said || (gaveUp && expectedS === 0)) {
    const declares = expectedS === 0 ? "" : `it declares ${expectedS.toFixed(1)} s, and `;
    const reason = complaint === null ? "" : ` ${complaint}`;
    throw unreadable(
      `The file was cut off or damaged: ${declares}${reachedS.toFixed(1)} s can be decoded. Found: ${found}.${reason}`,
    );
  }
  const notes = extent?.missing ? [judgeMissing(extent.missing, decodedS, found)] : [];
  if (complaint !== null) notes.push(complaint);
  if (missing > silent)
    notes.push(`The file declares ${expectedS.toFixed(3)} s, and ${reachedS.toFixed(3)} s were decoded.`);
  const isSurpassed = declaredS > 0 && decodedS - declaredS > said && !isWhole;
  if (isSurpassed)
    notes.push(
      `The header says that the sound has ${declaredS.toFixed(1)} s, and the file holds ${decodedS.toFixed(1)} s: all of it was read.`,
    );
  return { notes, isKnown: isWhole || (extent === null && declaredS > 0 && !isSurpassed) };
}

function judgeMissing({ bytes, there }: NonNullable<Extent["missing"]>, decodedS: number, found: string): string {
  const seconds = (bytes / Math.max(1, there)) * decodedS;
  if (seconds > TOLERATED_S) throw unreadable(`${cutOff(bytes)} Found: ${found}.`);
  return fewMissing(bytes, seconds);
}
