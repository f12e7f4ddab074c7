/**
 * Lines without a quote, which need no parser: a record is a line, and its values are what stands between the commas. Most files
 * hold nothing else, and are read several times as fast. From the first quote on `csv-records.ts` parses.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;

export interface PlainLines {
  records: { line: number; fields: Buffer[] }[];
  /** Bytes that are not of one of the records: of a line that has no end yet, or that is not plain, and all after it. */
  rest: Buffer;
  /** Number of the line on which the rest starts. */
  line: number;
  /** The rest starts with a line that holds a quote, or a value that is too long. */
  isOver: boolean;
}

/**
 * Splits `bytes`, which start with the first byte of a line, as far as they are plain; empty lines are left out.
 * @param line number of the first line
 * @param isLast the file ends with these bytes
 * @param mostBytes of a value that is plain
 */
export function plainLines(bytes: Buffer, line: number, isLast: boolean, mostBytes: number): PlainLines {
  const records: PlainLines["records"] = [];
  const quoteAt = bytes.indexOf(QUOTE);
  const end = quoteAt === -1 ? bytes.length : quoteAt;
  const next = { feed: bytes.indexOf(LINE_FEED), return: bytes.indexOf(RETURN) };
  let number = line;
  let at = 0;
  while (at < end) {
    if (next.feed !== -1 && next.feed < at) next.feed = bytes.indexOf(LINE_FEED, at);
    if (next.return !== -1 && next.return < at) next.return = bytes.indexOf(RETURN, at);
    const isReturn = next.return !== -1 && (next.feed === -1 || next.return < next.feed);
    const breakAt = isReturn ? next.return : next.feed;
    const isBroken = breakAt !== -1 && breakAt < end;
    // A RETURN at the very end may belong to a line feed that is still to come.
    if (isBroken ? isReturn && breakAt + 1 === bytes.length && !isLast : !isLast || quoteAt !== -1) break;
    const lineEnd = isBroken ? breakAt : end;
    if (lineEnd > at) {
      const fields = fieldsOf(bytes, at, lineEnd, mostBytes);
      if (fields === null) return { records, rest: bytes.subarray(at), line: number, isOver: true };
      records.push({ line: number, fields });
    }
    at = isBroken ? breakAt + (isReturn && next.feed === breakAt + 1 ? 2 : 1) : end;
    number += 1;
  }
  const rest = bytes.subarray(at);
  return { records, rest, line: number, isOver: quoteAt !== -1 || rest.length > mostBytes };
}

/** null when a value is too long to be plain. */
function fieldsOf(bytes: Buffer, start: number, end: number, mostBytes: number): Buffer[] | null {
  const fields: Buffer[] = [];
  for (let at = start; ;) {
    const comma = bytes.indexOf(COMMA, at);
    const fieldEnd = comma === -1 || comma > end ? end : comma;
    if (fieldEnd - at > mostBytes) return null;
    fields.push(bytes.subarray(at, fieldEnd));
    if (fieldEnd === end) return fields;
    at = fieldEnd + 1;
  }
}
