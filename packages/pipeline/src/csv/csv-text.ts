/** The text of a CSV file in pieces, in whichever encoding it is written. */
import { open, type FileHandle } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { setImmediate as nextTurn } from "node:timers/promises";
import { InputError } from "../input-error.js";

export const ENCODINGS = ["utf-8", "utf-16le", "utf-16be", "windows-1252"] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface TextPiece {
  text: string;
  /** The file ends with it. */
  isLast: boolean;
  encoding: Encoding;
}

/** The first piece is as long as the longest row may be: it holds the header, whatever stands before it. */
const FIRST_BYTES = 1024 * 1024;
/** Bytes read in one turn: signals are heard between two. */
const TURN_BYTES = 256 * 1024;

/** Stands for bytes that are no text. */
export const REPLACEMENT = "\ufffd";

/**
 * The bytes 0x80 to 0x9f in Windows-1252; a space stands for those without a meaning. Older versions of Node read them as
 * ISO 8859-1, so they are not left to its decoder.
 */
const WINDOWS_1252 = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

const MARKS: readonly (readonly [Encoding, readonly number[]])[] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

/** First bytes of files that are not CSV, whatever they are called. */
const OTHER_FILES: readonly (readonly [what: string, bytes: readonly number[]])[] = [
  ["an Excel workbook (.xlsx) or another zip archive", [0x50, 0x4b, 0x03, 0x04]],
  ["an old Excel workbook (.xls)", [0xd0, 0xcf, 0x11, 0xe0]],
  ["a gzip archive", [0x1f, 0x8b]],
  ["a PDF document", [0x25, 0x50, 0x44, 0x46]],
  ["text in UTF-32", [0xff, 0xfe, 0x00, 0x00]],
  ["text in UTF-32", [0x00, 0x00, 0xfe, 0xff]],
];

function startsWith(bytes: Buffer, start: readonly number[]): boolean {
  return start.every((byte, at) => bytes[at] === byte);
}

/** A byte order mark decides; then the declared encoding; then every other byte being 0, which no other text has; else it is UTF-8. */
function encodingOf(path: string, bytes: Buffer, declared: Encoding | null): { encoding: Encoding; markBytes: number } {
  const other = OTHER_FILES.find(([, start]) => startsWith(bytes, start));
  if (other) throw new InputError(`${path} is ${other[0]}, and no CSV file. Save it as CSV in UTF-8.`);
  const mark = MARKS.find(([, start]) => startsWith(bytes, start));
  if (mark) return { encoding: mark[0], markBytes: mark[1].length };
  if (declared !== null) return { encoding: declared, markBytes: 0 };
  const [first, second, third, fourth] = bytes;
  if (first !== 0 && second === 0 && third !== 0 && fourth === 0) return { encoding: "utf-16le", markBytes: 0 };
  if (first === 0 && second !== 0 && third === 0 && fourth !== 0) return { encoding: "utf-16be", markBytes: 0 };
  return { encoding: "utf-8", markBytes: 0 };
}

/** Makes text of bytes that come in pieces. */
function decoderOf(encoding: Encoding): { write(bytes: Buffer): string; end(): string } {
  if (encoding === "windows-1252") {
    const meaning = (byte: string): string => {
      const found = WINDOWS_1252[byte.charCodeAt(0) - 0x80];
      return found === undefined || found === " " ? REPLACEMENT : found;
    };
    // oxlint-disable-next-line no-control-regex
    return { write: (bytes) => bytes.toString("latin1").replaceAll(/[\x80-\x9f]/g, meaning), end: () => "" };
  }
  if (encoding === "utf-8") return new StringDecoder("utf8");
  const decoder = new StringDecoder("utf16le");
  let odd: Buffer = Buffer.alloc(0);
  return {
    write(bytes) {
      const all = odd.length === 0 ? Buffer.from(bytes) : Buffer.concat([odd, bytes]);
      const even = all.length - (all.length % 2);
      odd = all.subarray(even);
      const whole = all.subarray(0, even);
      return decoder.write(encoding === "utf-16be" ? whole.swap16() : whole);
    },
    end: () => decoder.end() + (odd.length > 0 ? REPLACEMENT : ""),
  };
}

/** Fills as much of `buffer` as the file has left. */
async function fill(file: FileHandle, buffer: Buffer): Promise<Buffer> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/**
 * Streams the text of the file at `path` without its byte order mark; at least one piece, the last of which says so.
 * @throws InputError for a file of another kind; the file system's error when it cannot be read; the signal's reason when it aborts
 */
export async function* csvText(
  path: string,
  declared: Encoding | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<TextPiece> {
  const file = await open(path);
  try {
    const first = await fill(file, Buffer.alloc(FIRST_BYTES));
    const { encoding, markBytes } = encodingOf(path, first, declared);
    const decoder = decoderOf(encoding);
    let text = decoder.write(first.subarray(markBytes));
    if (/^\s*<(?:!doctype|html|table|\?xml)\b/i.test(text))
      throw new InputError(`${path} is a web page or XML, and no CSV file. Save it as CSV in UTF-8.`);
    let isLast = first.length < FIRST_BYTES;
    for (;;) {
      signal?.throwIfAborted();
      if (isLast) text += decoder.end();
      yield { text, isLast, encoding };
      if (isLast) return;
      await nextTurn();
      const bytes = await fill(file, Buffer.allocUnsafe(TURN_BYTES));
      isLast = bytes.length < TURN_BYTES;
      text = decoder.write(bytes);
    }
  } finally {
    await file.close();
  }
}
