/**
 * Records of a CSV file (RFC 4180) as bytes, each with the line it starts on. A record that cannot be parsed costs its own
 * line and no other: reading goes on with the next line of the file.
 */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Parser } from "csv-parse";

export type CsvRecord = { line: number; fields: Buffer[] } | { line: number; problem: string };

/** A record beyond this is taken for a quote that nobody closed. */
const MAX_RECORD_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;
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
    max_record_size: MAX_RECORD_BYTES,
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

/** Follows the bytes given to a parser, to tell the line a byte is on: the parser's own count is off in quoted values. */
class LineCounter {
  #pending: Buffer = Buffer.alloc(0);
  #position = 0;
  /** Line of the byte at the current position. */
  line: number;

  constructor(line: number) {
    this.line = line;
  }

  add(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** Passes over empty lines, which the parser skips; returns the position after them. */
  skipEmptyLines(): number {
    const breaks = /^[\r\n]*/.exec(this.#pending.toString("latin1", 0, MAX_RECORD_BYTES))?.[0] ?? "";
    this.advance(this.#position + breaks.length);
    return this.#position;
  }

  advance(position: number): void {
    const passed = this.#pending.subarray(0, position - this.#position).toString("latin1");
    this.line += passed.match(/\r\n|\n|\r/g)?.length ?? 0;
    this.#pending = this.#pending.subarray(position - this.#position);
    this.#position = position;
  }
}

/** Offset of the first byte after the next line feed at or after `offset`; null at the end of the file. */
async function nextLine(path: string, offset: number): Promise<number | null> {
  let position = offset;
  for await (const chunk of createReadStream(path, { start: offset }) as AsyncIterable<Buffer>) {
    const found = chunk.indexOf(LINE_FEED);
    if (found !== -1) return position + found + 1;
    position += chunk.length;
  }
  return null;
}

async function startsWithBom(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(BOM.length), 0, BOM.length, 0);
    return bytesRead === BOM.length && buffer.equals(BOM);
  } finally {
    await file.close();
  }
}

/**
 * Streams the records of the file at `path`, blank lines left out.
 * @throws the file system's error when it cannot be read
 */
export async function* csvRecords(path: string): AsyncGenerator<CsvRecord> {
  let start: number | null = (await startsWithBom(path)) ? BOM.length : 0;
  let line = 1;
  while (start !== null) {
    const ready: Parsed[] = [];
    const parser = createParser(ready);
    const counter = new LineCounter(line);
    const take = function* (): Generator<CsvRecord> {
      for (const { fields, endByte } of ready.splice(0)) {
        counter.skipEmptyLines();
        yield { line: counter.line, fields };
        counter.advance(endByte);
      }
    };
    try {
      for await (const chunk of createReadStream(path, { start }) as AsyncIterable<Buffer>) {
        counter.add(chunk);
        await feed(parser, chunk);
        yield* take();
      }
      await finish(parser);
      yield* take();
      return;
    } catch (error) {
      if (!isCsvError(error)) throw error;
      yield* take();
      const badByte = counter.skipEmptyLines();
      yield { line: counter.line, problem: problemOf(error) };
      start = await nextLine(path, start + badByte);
      line = counter.line + 1;
    } finally {
      parser.destroy();
    }
  }
}
