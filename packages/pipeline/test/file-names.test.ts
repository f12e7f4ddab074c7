/** Which file a row of calls.csv means. */
import { describe, expect, it } from "vitest";
import { CALLS_HEADER } from "./batch-files.js";
import { brief, callsOf } from "./read-csv.js";

async function read(names: readonly string[], files: readonly string[]) {
  const rows = names.map((name, n) => `c${n},"${name}",2026-11-20T09:15:00Z,60,,,,,,,`);
  const csv = [CALLS_HEADER, ...rows].join("\n");
  const result = await callsOf(csv, Object.fromEntries(files.map((file) => [file, ""])));
  return { ...result, found: result.calls.map(({ fileName }) => fileName) };
}

describe("a name means its file", () => {
  it.each([
    ["in another case", "B.WAV", "b.wav"],
    ["with a path of Windows", "D:\\rec\\2026\\b.wav", "b.wav"],
    ["with a path", "/var/spool/asterisk/monitor/2026/b.wav", "b.wav"],
    ["with a path, in another case", "rec/B.Wav", "b.wav"],
    ["with an invisible character", "b\u200b.wav", "b.wav"],
    ["with quotes around it", '""b.wav""', "b.wav"],
    ["with an address", "https://rec.example.org/2026/b.wav?token=1", "b.wav"],
    ["without its extension", "1795146300.12", "1795146300.12.wav"],
    ["with another extension", "rec/B.mp3", "b.wav"],
    ["in another composition", "rec/caf\u00e9.wav", "cafe\u0301.wav"],
  ])("%s, with a word", async (_how, name, file) => {
    const { found, notes, errors } = await read([name, "a.wav"], [file]);
    expect([found, errors]).toEqual([[file, "a.wav"], []]);
    expect(brief(notes)).toEqual([[2, "file_name", "FILE_NAME_MATCHED", name.replaceAll('""', '"')]]);
  });

  it("itself, whatever others look like", async () => {
    const { found, notes } = await read(["b.wav", "B.WAV", "'b.wav"], ["b.wav", "B.WAV", "'b.wav"]);
    expect([found, notes]).toEqual([["b.wav", "B.WAV", "'b.wav"], []]);
  });
});

describe("a name that may mean two files is refused", () => {
  it("where two rows have paths to files of one name", async () => {
    const { found, errors } = await read(["mon/b.wav", "tue/b.wav", "a.wav"], ["b.wav"]);
    expect(found).toEqual(["a.wav"]);
    expect(brief(errors)).toEqual([
      [2, "file_name", "FILE_NOT_FOUND", "mon/b.wav"],
      [3, "file_name", "FILE_NOT_FOUND", "tue/b.wav"],
      [null, "file_name", "FILE_NOT_LISTED", "b.wav"],
    ]);
    expect(errors[0]?.message).toMatch(/may mean more than one file/);
  });

  it("where another row names the file itself, even if it comes later", async () => {
    const { calls, errors } = await read(["B.WAV", "b.wav", "a.wav"], ["b.wav"]);
    expect(calls.map(({ callId, fileName }) => [callId, fileName])).toEqual([
      ["c1", "b.wav"],
      ["c2", "a.wav"],
    ]);
    expect(brief(errors)).toEqual([[2, "file_name", "FILE_NOT_FOUND", "B.WAV"]]);
  });

  it("where two files have the extension that it lacks", async () => {
    const { found, errors } = await read(["b", "a.wav"], ["b.wav", "b.mp3"]);
    expect(found).toEqual(["a.wav"]);
    expect(errors[0]?.message).toMatch(/may mean more than one file/);
  });

  it("where two files differ from it in case alone", async () => {
    const { found, errors } = await read(["B.wav", "a.wav"], ["b.wav", "B.WAV"]);
    expect(found).toEqual(["a.wav"]);
    expect(errors[0]?.message).toMatch(/may mean more than one file/);
  });
});
