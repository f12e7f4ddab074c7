/**
 * Records of a CSV file (RFC 4180) as bytes, each with the line it starts on. A record that cannot be parsed costs its own
 * line and no other: reading continues with the next line. The file is read once, however many of its lines are bad.
 */
import { createReadStream } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Parser } from "csv-parse";
import { plainLines } from "./plain-lines.js";

export type CsvRecord = { line: number; fields: Buffer[] } | { line: number; problem: string };

/** A value beyond this is taken for a quote that nobody closed. */
const MAX_VALUE_BYTES = 64 * 1024;
/** Bytes parsed in one turn: signals are heard between two. */
const TURN_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const NOTHING = Buffer.alloc(0);
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

interface Parsed {
  fields: Buffer[];
  /** Offset of the byte after the record, counted from where this parser started. */
  endByte: number;
}

/** Fed by hand, not piped: a piped parser that fails throws away the records it had ready. */
function createParser(ready: Parsed[]): Parser {
  const parser = new Parser({
    encoding: null,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_VALUE_BYTES,
    on_record: (record, { bytes }) => {
      ready.push({ fields: record as unknown as Buffer[], endByte: bytes });
      return null;
    },
  });
  // The callback of each write reports the error; without a listener Node would raise it a second time.
  parser.on("error", () => undefined);
  return parser;
}

function feed(parser: Parser, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

function finish(parser: Parser): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.once("error", reject);
    parser.end(() => resolve());
  });
}

function isCsvError(error: unknown): error is Error {
  return error instanceof Error && error.constructor.name === "CsvError";
}

function problemOf(error: Error & { code?: string }): string {
  switch (error.code) {
    case "CSV_QUOTE_NOT_CLOSED":
    case "CSV_MAX_RECORD_SIZE":
      return `a quote (") that is opened here is not closed`;
    case "CSV_INVALID_CLOSING_QUOTE":
      return `a quoted value is followed by other text before the comma (write a quote inside a value as "")`;
    case "INVALID_OPENING_QUOTE":
      return `a quote (") stands inside a value that is not quoted`;
    default:
      return error.message;
  }
}

/** The bytes given to a parser that are not of a finished record, and the line they start on: its own count is off in quotes. */
class Unread {
  #bytes: Buffer = Buffer.alloc(0);
  #position = 0;
  /** Line of the first byte. */
  line: number;

  constructor(line: number) {
    this.line = line;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  add(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** Passes over empty lines, which the parser skips. */
  skipEmptyLines(): void {
    let length = 0;
    while (this.#bytes[length] === LINE_FEED || this.#bytes[length] === RETURN) length += 1;
    this.advance(this.#position + length);
  }

  advance(position: number): void {
    const length = position - this.#position;
    for (let at = 0; at < length; at += 1) {
      const byte = this.#bytes[at];
      if (byte === LINE_FEED || (byte === RETURN && this.#bytes[at + 1] !== LINE_FEED)) this.line += 1;
    }
    this.#bytes = this.#bytes.subarray(length);
    this.#position = position;
  }
}

/** From the start of a line until the end of the file or the first record that cannot be parsed: plain lines, then a parser. */
class Section {
  readonly #ready: Parsed[] = [];
  #parser: Parser | null = null;
  #unread: Unread;
  /** Why the record at {@link rest} cannot be parsed. */
  problem: string | null = null;

  constructor(line: number) {
    this.#unread = new Unread(line);
  }

  get line(): number {
    return this.#unread.line;
  }

  /** What was given to it and is not of a record. */
  get rest(): Buffer {
    return this.#unread.bytes;
  }

  /** @returns the records that end in `chunk`; null: those that end with the file */
  async read(chunk: Buffer | null): Promise<CsvRecord[]> {
    if (this.#parser !== null) return this.#parse(this.#parser, chunk);
    if (chunk !== null) this.#unread.add(chunk);
    const { bytes, line } = this.#unread;
    const plain = plainLines(bytes, line, chunk === null, MAX_VALUE_BYTES);
    this.#unread = new Unread(plain.line);
    if (!plain.isOver) {
      this.#unread.add(plain.rest);
      return plain.records;
    }
    const parser = createParser(this.#ready);
    this.#parser = parser;
    const parsed = await this.#parse(parser, plain.rest);
    if (chunk !== null || this.problem !== null) return [...plain.records, ...parsed];
    return [...plain.records, ...parsed, ...(await this.#parse(parser, null))];
  }

  async #parse(parser: Parser, chunk: Buffer | null): Promise<CsvRecord[]> {
    try {
      if (chunk === null) await finish(parser);
      else {
        this.#unread.add(chunk);
        await feed(parser, chunk);
      }
    } catch (error) {
      if (!isCsvError(error)) throw error;
      this.problem = problemOf(error);
    }
    const records = this.#ready.splice(0).map(({ fields, endByte }): CsvRecord => {
      this.#unread.skipEmptyLines();
      const { line } = this.#unread;
      this.#unread.advance(endByte);
      return { line, fields };
    });
    if (this.problem !== null) this.#unread.skipEmptyLines();
    return records;
  }

  end(): void {
    this.#parser?.destroy();
  }
}

/** Offset of the first byte after the first line break; null where there is none, or its second byte may be missing. */
function afterLineBreak(bytes: Buffer, isWhole: boolean): number | null {
  const feedAt = bytes.indexOf(LINE_FEED);
  const returnAt = bytes.subarray(0, feedAt === -1 ? bytes.length : feedAt).indexOf(RETURN);
  if (returnAt === -1) return feedAt === -1 ? null : feedAt + 1;
  if (bytes[returnAt + 1] === LINE_FEED) return returnAt + 2;
  return returnAt + 1 < bytes.length || isWhole ? returnAt + 1 : null;
}

/** The file in pieces, without its byte order mark; null is its end. */
async function* piecesOf(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer | null> {
  let isFirst = true;
  for await (const chunk of createReadStream(path, { highWaterMark: TURN_BYTES, signal }) as AsyncIterable<Buffer>) {
    yield isFirst && chunk.subarray(0, BOM.length).equals(BOM) ? chunk.subarray(BOM.length) : chunk;
    isFirst = false;
    await nextTurn();
    signal?.throwIfAborted();
  }
  yield null;
}

/**
 * Streams the records of the file at `path`, blank lines left out, in lists: those that end in one piece of the file.
 * @throws the file system's error when it cannot be read; the signal's reason when it aborts
 */
export async function* csvRecords(path: string, signal?: AbortSignal): AsyncGenerator<CsvRecord[]> {
  let section = new Section(1);
  /** The start of a line that is passed over, while its end is still to come. */
  let passedOver: Buffer | null = null;
  try {
    for await (const piece of piecesOf(path, signal)) {
      const isLast = piece === null;
      let bytes = piece ?? NOTHING;
      for (;;) {
        if (passedOver !== null) {
          const rest: Buffer = bytes.length === 0 ? passedOver : Buffer.concat([passedOver, bytes]);
          const next = afterLineBreak(rest, isLast);
          // A RETURN at the end may belong to a line feed that follows.
          passedOver = next === null ? rest.subarray(-1) : null;
          if (next === null) break;
          bytes = rest.subarray(next);
        }
        if (bytes.length > 0) yield await section.read(bytes);
        if (isLast && section.problem === null) yield await section.read(null);
        if (section.problem === null) break;
        const { line, problem, rest } = section;
        yield [{ line, problem }];
        section.end();
        section = new Section(line + 1);
        passedOver = rest;
        bytes = NOTHING;
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    section.end();
  }
}
