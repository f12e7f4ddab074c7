/** CSV files in every encoding that people save them in, and files that are none. */
import { describe, expect, it } from "vitest";
import { callsOf } from "./read-csv.js";
import { readMapping } from "@cofi/pipeline/csv-mapping";
import { CALLS_HEADER } from "./batch-files.js";

const TEXT = `${CALLS_HEADER},prénom\nc1,a.wav,2026-11-20T09:15:00Z,60,IN,+919812345678,,,Zoë,C1,1,x\n`;
const swapped = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();

describe("a file in", () => {
  it.each([
    ["UTF-8", Buffer.from(TEXT), null],
    ["UTF-8 with a mark", Buffer.from(`\ufeff${TEXT}`), null],
    ["UTF-16 of Excel", Buffer.from(`\ufeff${TEXT.replaceAll(",", "\t")}`, "utf16le"), "utf-16le"],
    ["UTF-16 without a mark", Buffer.from(TEXT, "utf16le"), "utf-16le"],
    ["UTF-16 big endian", swapped(`\ufeff${TEXT}`), "utf-16be"],
    ["UTF-16 big endian without a mark", swapped(TEXT), "utf-16be"],
  ])("%s is read, with a word on what is not UTF-8", async (_name, bytes, encoding) => {
    const { calls, errors, warnings, notes } = await callsOf(bytes);
    expect([errors, warnings]).toEqual([[], []]);
    expect(calls).toMatchObject([{ callId: "c1", dealerId: "Zoë", callerNumber: "+919812345678" }]);
    const said = notes.filter(({ code }) => code === "ENCODING").map(({ message }) => message);
    expect(said).toEqual(encoding === null ? [] : [`calls.csv: the file is in ${encoding}, and is read so.`]);
  });

  it("Windows-1252 is read where a mapping says so, with the signs that ISO 8859-1 does not have", async () => {
    const mapping = readMapping("test", { calls: { encoding: "windows-1252" } });
    const bytes = Buffer.concat([Buffer.from(TEXT.replace("Zoë", "Zo\u00eb \u0080"), "latin1")]);
    const { calls, errors } = await callsOf(bytes, {}, { mapping });
    expect([errors, calls[0]?.dealerId]).toEqual([[], "Zoë €"]);
    // A byte that means nothing there costs its value.
    const odd = Buffer.from(TEXT.replace("Zoë", "Zo\u0081"), "latin1");
    expect((await callsOf(odd, {}, { mapping })).warnings.map(({ code }) => code)).toEqual(["BAD_ENCODING"]);
  });

  it("a mark decides, whatever the mapping says", async () => {
    const mapping = readMapping("test", { calls: { encoding: "windows-1252" } });
    const { calls } = await callsOf(Buffer.from(`\ufeff${TEXT}`), {}, { mapping });
    expect(calls[0]?.dealerId).toBe("Zoë");
  });

  it("another encoding costs the values that cannot be read, and the names of columns that nobody uses", async () => {
    const { calls, warnings, notes } = await callsOf(Buffer.from(TEXT, "latin1"));
    expect(calls).toMatchObject([{ callId: "c1", dealerId: null }]);
    expect(warnings.map(({ column, code, value }) => [column, code, value])).toEqual([
      ["dealer_id", "BAD_ENCODING", undefined],
    ]);
    expect(notes.map(({ code }) => code)).toEqual(["UNREADABLE_COLUMN"]);
  });
});

it.each([
  ["an old Excel workbook", Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1])],
  ["a gzip archive", Buffer.from([0x1f, 0x8b, 8, 0])],
  ["a PDF document", Buffer.from("%PDF-1.7")],
  ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x63, 0, 0, 0])],
  ["a web page or XML", Buffer.from("\r\n<HTML><body><table>")],
])("%s is named for what it is", async (what, bytes) => {
  await expect(callsOf(bytes)).rejects.toThrow(new RegExp(`${what}.* and no CSV file. Save it as CSV in UTF-8`));
});

it("reads a file that is longer than what is read at once, with characters across its pieces", async () => {
  const rows = Array.from(
    { length: 30_000 },
    (_, n) => `c${n},nö${n}.wav,2026-11-20T09:15:00Z,60,IN,,,,ß€🙂,C${n},1,ü`,
  );
  const csv = [`${CALLS_HEADER},x`, ...rows].join("\n");
  for (const bytes of [Buffer.from(csv), Buffer.from(`\ufeff${csv}`, "utf16le")]) {
    const { rows: count, errors, warnings } = await callsOf(bytes);
    expect([count, warnings]).toEqual([30_000, []]);
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["FILE_NOT_FOUND", "FILE_NOT_LISTED"]));
  }
});
