/** What those see who may not see contents: enough to know what went wrong, and nothing that somebody said. */
import { describe, expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { recordingNotes, saidOfRows } from "@cofi/event-log/event-metadata";
import type { Json, LogEvent, LogEventDetail } from "@cofi/event-log/events";
import { maskedEvents } from "@cofi/access/masked-events";
import { Pseudonyms } from "@cofi/access/pseudonyms";

const lens = maskedEvents(new Pseudonyms(Buffer.from("a key of these tests")));
const other = maskedEvents(new Pseudonyms(Buffer.from("a key of another database")));

const EVENT: LogEvent = {
  id: 1,
  batchId: 1,
  timestamp: "2026-01-05T10:00:00.000Z",
  stage: "stt",
  eventType: "error",
  fileName: "c01.wav",
  gpuIp: "gpu-west",
  status: "failed",
  errorMessage: null,
  totalFiles: null,
  processedFiles: null,
  metadata: null,
  payloadBytes: null,
  responseBytes: null,
  attempt: 1,
  durationMs: null,
  run: null,
};

/** Where the codes of remarks are named. */
const REMARKS = new URL("../../pipeline/src/csv/remarks.ts", import.meta.url);

const said = (errorMessage: string): string => lens.event({ ...EVENT, errorMessage }).errorMessage ?? "";
const hidden = (text: string): string => text.replaceAll(/‹[a-z2-9]{8}›/g, "‹›");

describe("texts of errors", () => {
  test.each([
    ["CUDA out of memory: c01.wav, 612 MB", "CUDA out of memory: c01.wav, 612 MB"],
    [
      "RuntimeError: CUDA error: an illegal memory access was encountered",
      "RuntimeError: CUDA error: an illegal memory access was encountered",
    ],
    [
      "gpu-west (http://10.0.0.5:8080) refused the request: timed out after 30000 ms (503 ETIMEDOUT).",
      "gpu-west (http://10.0.0.5:8080) refused the request: timed out after 30000 ms (503 ETIMEDOUT).",
    ],
    ['HTTP 400: {"error":"bad","input":"buy five hundred Reliance"}', 'HTTP 400: {"error":"bad","input":"‹›"}'],
    ["line 7: caller_number is +91 98100 00001", "line 7: ‹› is ‹›"],
    ["AB1234 at 981 000 000 1", "‹› at ‹›"],
    ["नमस्ते भाई", "‹›"],
    ["failed at 2026-01-05 10:00:00.250 in row 12345", "failed at 2026-01-05 10:00:00.250 in row 12345"],
    ["row 919810000001", "row ‹›"],
  ])("%s", (text, shown) => {
    expect(hidden(said(text))).toBe(shown);
  });

  test("equal contents have equal pseudonyms, under one key alone", () => {
    expect(said("Zebedee failed")).toBe(said("Zebedee failed"));
    expect(said("Zebedee failed")).not.toBe(said("Ermintrude failed"));
    expect(said("Zebedee failed")).not.toBe(other.event({ ...EVENT, errorMessage: "Zebedee failed" }).errorMessage);
  });

  test("a text of any length, and any text, is masked in a moment", () => {
    for (const text of [
      "Zebedee ".repeat(200_000),
      "1 ".repeat(500_000),
      "+(".repeat(500_000),
      "‹".repeat(100_000),
      "a_".repeat(300_000),
    ]) {
      const started = performance.now();
      expect(said(text)).not.toContain("Zebedee");
      expect(performance.now() - started).toBeLessThan(20_000);
    }
  });
});

describe("metadata", () => {
  const shown = (metadata: LogEvent["metadata"]): LogEvent["metadata"] => lens.event({ ...EVENT, metadata }).metadata;

  test("counts and measures stay; names, numbers and notes of others do not", () => {
    const text = JSON.stringify(
      shown({
        audioSeconds: 71.17,
        rows: 12_345,
        changed: true,
        nested: [{ deep: { client_phone: 919810000001, zebedee: "Ermintrude Zebedee" } }],
        host: { to: "ejected", url: "http://gpu-west:8080", engine: "gpu-west", engines: 2, rule: "3 attempts failed" },
      }),
    );
    expect(hidden(text)).toBe(
      '{"audioSeconds":71.17,"rows":12345,"changed":true,"nested":[{"‹›":{"client_phone":"‹›","‹›":"‹›"}}],' +
        '"host":{"to":"ejected","url":"http://gpu-west:8080","engine":"gpu-west","engines":2,"rule":"3 attempts failed"}}',
    );
  });

  test("of any depth", () => {
    const depth = 3_000;
    const deep = JSON.parse(`${'{"a":'.repeat(depth)}"Zebedee"${"}".repeat(depth)}`) as LogEvent["metadata"];
    expect(JSON.stringify(shown(deep))).not.toContain("Zebedee");
  });
});

test("what is said of a recording is shown", () => {
  const notes = [
    "2 more tracks of sound have a codec that ffmpeg does not know, and were not read.",
    "The 44 bytes at the end of the file belong to no part of it, and were not read.",
  ];
  const { metadata } = lens.event({ ...EVENT, eventType: "file_complete", metadata: { notes } });
  expect(recordingNotes(metadata).map((note) => hidden(note))).toEqual(
    notes.map((note) => note.replace(" no ", " ‹› ")),
  );
});

describe("what is said of rows of CSV files", () => {
  const event = (metadata: Json): LogEvent => lens.event({ ...EVENT, eventType: "info", metadata });

  test.each(["warning", "note"])("a %s counts as before, and shows no value", (severity) => {
    const first = [
      { line: 12_345, value: "Zebedee", message: 'trades.csv, line 12345: strike "Zebedee" is no number.' },
    ];
    const metadata = {
      message: 'trades.csv, line 12345: strike "Zebedee" is no number. 11 more like it.',
      rows: { severity, code: "NOT_GIVEN", column: "strike", count: 12, first },
    };
    const shown = event(metadata).metadata;
    expect(saidOfRows(shown)).toMatchObject({ severity, count: 12 });
    expect(hidden(JSON.stringify(shown))).toContain('"code":"NOT_GIVEN"');
    expect(hidden(JSON.stringify(shown))).toContain('"line":12345,"value":"‹›"');
    expect(JSON.stringify(shown)).not.toContain("Zebedee");
  });

  test("each code is shown, and the line of a row that was set aside", () => {
    for (const code of [...readFileSync(REMARKS, "utf8").matchAll(/^ {2}\| "([A-Z_]+)"/gm)].map(([, name]) => name!))
      expect(event({ code, line: 1_234_567 }).metadata).toEqual({ code, line: 1_234_567 });
  });
});

describe("payloads and responses", () => {
  const detail = (payload: string): LogEventDetail =>
    lens.detail({
      ...EVENT,
      metadataText: '{"note":"Zebedee"}',
      payload,
      response: "no JSON: Zebedee",
      payloadCut: { bytes: 9_000_000, sha256: "ab".repeat(32) },
      responseCut: null,
    });

  test("their form is shown, their values are not, nor a hash that a guess could be tried on", () => {
    const shown = detail('{"text":"Zebedee","segments":[{"start":0.5,"speaker":"AB1234"}],"AB1234":1,"is_final":true}');
    expect(hidden(shown.payload ?? "")).toBe(
      '{"text":"‹›","segments":[{"start":"‹›","speaker":"‹›"}],"‹›":"‹›","is_final":true}',
    );
    expect(JSON.stringify(shown)).not.toMatch(/Zebedee|AB1234|abab/);
    expect(shown.payloadCut).toEqual({ bytes: 9_000_000, sha256: null });
    expect(detail('"Zebedee').payload).toBe(detail('"Zebedee').payload);
  });
});

describe("names of files", () => {
  test.each([
    "c01.wav",
    "call-000123.wav",
    "00000001.wav",
    "20260105.wav",
    "2026-01-05_10-15-00.wav",
    "20260105101500.wav",
    "rec 2026.01.05 10.15.00.mp3",
    "ext4711_1234567.wav",
  ])("%s stays", (name) => {
    expect(lens.event({ ...EVENT, fileName: name }).fileName).toBe(name);
    expect(lens.storedName(name)).toBe(name);
  });

  test.each([
    "+919810000001.wav",
    "20260105_+91 98100 00001_D01.wav",
    "9810000001-20260105-101500.wav",
    "20260105101500-9810000001.wav",
    "(022) 4000-0000.mp3",
    "919810000001919810000002919810000003.wav",
    "call to 98100-00001.3gp",
  ])("%s is shown without its number, and can be asked for as it is shown, by no other name", (name) => {
    const shown = lens.event({ ...EVENT, fileName: name }).fileName ?? "";
    expect(shown).toContain("tel~");
    for (const digits of name.match(/\d{5,}/g) ?? [])
      if (!digits.startsWith("2026")) expect(shown).not.toContain(digits);
    expect(lens.storedName(shown)).toBe(name);
    expect(lens.storedName(name)).not.toBe(name);
    expect(other.storedName(shown)).not.toBe(name);
  });
});
