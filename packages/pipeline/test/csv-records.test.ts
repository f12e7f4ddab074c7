/** Records of CSV text: what RFC 4180 says, what is made of text that breaks it, and how much work that is. */
import * as fc from "fast-check";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { CsvSplitter, MAX_ROW, MAX_VALUE, type BadRow, type CsvRecord } from "@cofi/pipeline/csv-records";

type Read = { line: number; values: string[] } | { line: number; problem: string };

function plain(record: CsvRecord | BadRow): Read {
  const { line } = record;
  if ("problem" in record) return { line, problem: record.problem };
  return { line, values: Array.from({ length: record.length }, (_, at) => record.value(at)) };
}

/** `pieces`: the text, cut anywhere. */
function split(pieces: readonly string[], separator = ","): { records: Read[]; looks: number } {
  const splitter = new CsvSplitter(separator);
  const records = pieces.flatMap((piece, at) => Array.from(splitter.split(piece, at === pieces.length - 1), plain));
  return { records, looks: splitter.looks };
}

const values = (text: string, separator?: string) =>
  split([text], separator).records.map((record) => ("values" in record ? record.values : record.problem));

/** How one system writes CSV. */
const dialect = fc.record({
  separator: fc.constantFrom(",", ";", "\t", "|"),
  lineBreak: fc.constantFrom("\n", "\r\n", "\r"),
  quotesAll: fc.boolean(),
  endsWithBreak: fc.boolean(),
  blanksBeforeQuotes: fc.constantFrom("", " "),
});
type Dialect = typeof dialect extends fc.Arbitrary<infer T> ? T : never;

function write(rows: readonly (readonly string[])[], { separator, lineBreak, ...how }: Dialect): string {
  const quoted = (value: string): string => `${how.blanksBeforeQuotes}"${value.replaceAll('"', '""')}"`;
  const needsQuotes = (value: string): boolean =>
    how.quotesAll || value.includes(separator) || /["\r\n]/.test(value) || value.trim() !== value;
  const lines = rows.map((row) => row.map((value) => (needsQuotes(value) ? quoted(value) : value)).join(separator));
  return lines.join(lineBreak) + (how.endsWithBreak ? lineBreak : "");
}

const cell = fc.oneof(
  fc.constantFrom("", "a", '"', '""', ",", ";", "\t", "|", "\n", "\r", "\r\n", " x ", 'say "hi"', "ü€🙂"),
  fc.string(),
);
// A row of one empty value is a blank line.
const rows = fc
  .integer({ min: 2, max: 5 })
  .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }));

describe("CsvSplitter", () => {
  it("reads what it was written from, in every dialect and however the text is cut", () => {
    const cuts = fc.array(fc.nat(), { maxLength: 5 });
    fc.assert(
      fc.property(rows, dialect, cuts, (written, how, at) => {
        const text = write(written, how);
        const places = [...new Set(at.map((cut) => cut % (text.length + 1)))].toSorted((a, b) => a - b);
        const pieces = [0, ...places].map((start, index) => text.slice(start, places[index] ?? text.length));
        const { records } = split(pieces, how.separator);
        expect(records.map((record) => ("values" in record ? record.values : record))).toEqual(written);
      }),
      { numRuns: 500 },
    );
  });

  it("reads what another parser reads", () => {
    fc.assert(
      fc.property(rows, dialect, (written, how) => {
        const text = write(written, { ...how, blanksBeforeQuotes: "" });
        const options = { delimiter: how.separator, skip_empty_lines: true, record_delimiter: ["\r\n", "\n", "\r"] };
        expect(values(text, how.separator)).toEqual(parse(text, options));
      }),
      { numRuns: 300 },
    );
  });

  it("says the same of any text however it is cut, and of each line at most once", () => {
    const piece = fc.constantFrom('"', '""', ",", "\n", "\r", "\r\n", "a", '",', ',"', " ");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const whole = split([pieces.join("")]).records;
        expect(split([...pieces, ""]).records).toEqual(whole);
        const lines = whole.map(({ line }) => line);
        expect(lines).toEqual([...new Set(lines)].toSorted((a, b) => a - b));
      }),
      { numRuns: 1_000 },
    );
  });

  it("costs a bad record its own line alone", () => {
    const text = ['a,"b"c', "d,e", 'f,"g', "h,i", 'j,k"l', "", 'm,"two', 'lines"', "n,o"].join("\n");
    expect(split([text]).records).toEqual([
      { line: 1, problem: expect.stringMatching(/quoted value is followed by other text/) },
      { line: 2, values: ["d", "e"] },
      // The quote of line 3 closes in line 5, where other text follows.
      { line: 3, problem: expect.stringMatching(/./) },
      { line: 4, values: ["h", "i"] },
      { line: 5, values: ["j", 'k"l'] },
      { line: 7, values: ["m", "two\nlines"] },
      { line: 9, values: ["n", "o"] },
    ]);
    expect(values('a,"b\nc,d')).toEqual([expect.stringMatching(/is not closed/), ["c", "d"]]);
  });

  it("refuses values and rows that are too long, and goes on", () => {
    const long = "x".repeat(MAX_VALUE + 1);
    expect(values(`a,"${long}\nb,c\n`)).toEqual([expect.stringMatching(/is not closed/), ["b", "c"]]);
    expect(values(`a,${long}\nb,c\n`)).toEqual([
      ["a", long],
      ["b", "c"],
    ]);
    const wide = "x,".repeat(MAX_ROW);
    expect(values(`${wide}\nb,c\n`)).toEqual([expect.stringMatching(/longer than/), ["b", "c"]]);
  });
});

/** Lines that keep a parser busy: a quote that opens, closes, does both, or stands where it should not. */
const TROUBLE = ['x,"y', 'x,"y"z', 'x"y,z', 'x","y', '"', '""', '"",",', '",x,"y', 'x,"",y', "x,y", ""];

it("does work in proportion to the text, whatever is in it", () => {
  const line = fc.constantFrom(...TROUBLE);
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), (pattern) => {
      const text = Array.from({ length: 5_000 }, (_, at) => pattern[at % pattern.length]).join("\n");
      expect(split([text]).looks).toBeLessThanOrEqual(4 * text.length + 2 * MAX_VALUE);
    }),
    { numRuns: 100 },
  );
});

it("does twice the work for twice the lines, of each kind of line", () => {
  for (const kind of TROUBLE) {
    const work = (count: number): number => split([`${kind}\n`.repeat(count)]).looks;
    expect([kind, work(8_000) <= 2 * work(4_000) + 2 * MAX_VALUE]).toEqual([kind, true]);
  }
});
