/** calls.csv, row by row: what is read, and what is said of a row that cannot be. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkDurations } from "@cofi/pipeline/calls-csv";
import { MissingColumnsError } from "@cofi/pipeline/csv-header";
import { InputError } from "@cofi/pipeline/input-error";
import { batchTimeZone } from "@cofi/pipeline/zoned-time";
import { CALLS_HEADER } from "./batch-files.js";
import { brief, callsOf } from "./read-csv.js";

const GOOD = "c1,a.wav,2026-11-20T09:15:00+05:30,60.5,in,00 91 98123-45678,,2104,D07,c1,2";

describe("readCalls", () => {
  it("reads a row into values of its own types", async () => {
    const { calls, errors, rows } = await callsOf(`${CALLS_HEADER}\n${GOOD}\n`);
    expect(errors).toEqual([]);
    expect(rows).toBe(1);
    expect(calls).toEqual([
      {
        line: 2,
        callId: "c1",
        fileName: "a.wav",
        startTime: new Date("2026-11-20T03:45:00Z"),
        durationS: 60.5,
        direction: "IN",
        callerNumber: "+919812345678",
        calleeNumber: null,
        extension: "2104",
        dealerId: "D07",
        clientCode: "C1",
        channels: 2,
      },
    ]);
  });

  it("takes a byte order mark, CRLF, columns in another order and unknown ones, quoted line breaks and blank rows", async () => {
    const csv =
      "\ufeffNote,Duration_S,start_time,FILE_NAME,call_id\r\n" +
      '"two\r\nlines, and a ""quote""",60,2026-11-20 03:45Z,a.wav,c1\r\n\r\n,,,,\r\n' +
      "x,60,2026-11-20 03:45Z,b.wav,c2\r\n" +
      "x,sixty,2026-11-20 03:45Z,c.wav,c3";
    const result = await callsOf(csv, { "b.wav": "", "c.wav": "" });
    expect(result.calls.map(({ callId, line }) => [callId, line])).toEqual([
      ["c1", 2],
      ["c2", 6],
    ]);
    expect(brief(result.errors)).toEqual([[7, "duration_s", "BAD_TYPE", "sixty"]]);
  });

  it("sets each bad row aside with its line, column and code, and goes on", async () => {
    const result = await callsOf(
      [
        CALLS_HEADER,
        ",a.wav,,60,,,,,,,",
        "c2,a.wav,03/04/2026 09:15,-1,,,,,,,",
        "c3,..,2026-11-20T09:15:00Z,60,,,,,,,",
        "c4,none.wav,2026-11-20T09:15:00Z,60,,,,,,,",
        GOOD,
        "c1,b.wav,2026-11-20T09:15:00Z,60,,,,,,,",
        "c6,a.wav,2026-11-20T09:15:00Z,60,,,,,,,",
        "c7,b.wav,2026-11-20T09:15:00Z,60,,,,,,,,too many",
        'c8,"b.wav"x,2026-11-20T09:15:00Z,60,,,,,,,',
        'c9,"b.wav,2026-11-20T09:15:00Z,60,,,,,,,',
        "c10,c.wav,2026-11-20T09:15:00Z,60,,,,,,,",
      ].join("\n"),
      { "b.wav": "", "c.wav": "", "d.wav": "" },
    );
    expect(brief(result.errors)).toEqual([
      [2, "call_id", "MISSING_VALUE", undefined],
      [2, "start_time", "MISSING_VALUE", undefined],
      [3, "start_time", "BAD_TIME", "03/04/2026 09:15"],
      [3, "duration_s", "BAD_TYPE", "-1"],
      [4, "file_name", "BAD_TYPE", ".."],
      [5, "file_name", "FILE_NOT_FOUND", "none.wav"],
      [7, "call_id", "DUPLICATE_ID", "c1"],
      [8, "file_name", "DUPLICATE_ID", "a.wav"],
      [9, null, "MALFORMED_ROW", undefined],
      [10, null, "MALFORMED_ROW", undefined],
      [11, null, "MALFORMED_ROW", undefined],
      [null, "file_name", "FILE_NOT_LISTED", "d.wav"],
    ]);
    expect(result.calls.map((call) => call.callId)).toEqual(["c1", "c10"]);
    expect([result.rows, result.refused]).toEqual([11, 9]);
    expect(result.errors[6]?.message).toBe("calls.csv, line 7: call_id is the one of line 6 again.");
  });

  it("keeps a row whose optional values are odd: they are null, with a warning", async () => {
    const row = "c1,a.wav,2026-11-20T09:15:00Z,60,SIDEWAYS,anonymous,2104,x\u0007y,D07,C1,0";
    const { calls, warnings, errors, refused } = await callsOf(`${CALLS_HEADER}\n${row}\n`);
    expect([errors, refused]).toEqual([[], 0]);
    expect(brief(warnings)).toEqual([
      [2, "direction", "BAD_ENUM", "SIDEWAYS"],
      [2, "caller_number", "WITHHELD", "anonymous"],
      [2, "callee_number", "BAD_PHONE", "••••"],
      [2, "extension", "BAD_TYPE", "x\u0007y"],
      [2, "channels", "BAD_TYPE", "0"],
    ]);
    const nothing = { direction: null, callerNumber: null, calleeNumber: null, extension: null, channels: null };
    expect(calls).toEqual([expect.objectContaining({ callId: "c1", dealerId: "D07", clientCode: "C1", ...nothing })]);
    expect(warnings[1]?.message).toBe("calls.csv, line 2: caller_number names no number; it is taken as not given.");
  });

  it("says which value is not UTF-8", async () => {
    const row = Buffer.from(`${CALLS_HEADER}\nc1,a.wav,2026-11-20T09:15:00Z,60,,,,,D\u00e9,,\n${GOOD}`, "latin1");
    const result = await callsOf(row);
    // The row of line 2 stays, and line 3 has its id and file again.
    expect(brief(result.warnings)).toEqual([[2, "dealer_id", "BAD_ENCODING", undefined]]);
    expect(result.calls).toMatchObject([{ line: 2, dealerId: null }]);
    const named = Buffer.from(`${CALLS_HEADER}\nc\u00e9,a.wav,2026-11-20T09:15:00Z,60,,,,,,,\n`, "latin1");
    expect(brief((await callsOf(named)).errors)).toEqual([[2, "call_id", "BAD_ENCODING", undefined]]);
  });

  it("stops when the file as a whole cannot be used", async () => {
    const missing: unknown = await callsOf("id;name;+919812345678\nx;y;z").catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(MissingColumnsError);
    expect(missing).toMatchObject({
      code: "MISSING_COLUMN",
      missing: ["call_id", "file_name", "start_time", "duration_s"],
    });
    // A first line that is no header may hold anything.
    expect((missing as Error).message).not.toContain("98123");
    await expect(callsOf("call_id,file_name,duration_s\n1,2,3")).rejects.toThrow(
      /lacks the column start_time\. Expected: call_id\*.* Found: call_id, file_name, duration_s\./,
    );
    for (const [csv, said] of [
      ["", /calls\.csv is empty: its first line must name the columns/],
      [`${CALLS_HEADER}\n\n`, /has a header but no rows/],
      [`call_id,Call_ID,${CALLS_HEADER}\n1`, /names the column call_id twice/],
      [Buffer.from("PK\u0003\u0004rest of a workbook", "latin1"), /is an Excel workbook \(\.xlsx\)/],
      ["<html><table>", /is a web page or XML/],
    ] as const) {
      const error: unknown = await callsOf(csv).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      expect((error as Error).message).toMatch(said);
    }
  });

  it("never crashes, and accounts for every row", async () => {
    const cell = fc.oneof(
      fc.constantFrom("c1", "a.wav", "60", '"', "\n", "\r", ",", "2026-11-20T09:15:00Z"),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { maxLength: 40 }), async (cells) => {
        const csv = `${CALLS_HEADER}\n${cells.join(",")}\n${GOOD}\n`;
        const { calls, errors, rows, refused } = await callsOf(csv);
        expect(calls.length + refused).toBe(rows);
        expect(new Set(errors.flatMap(({ line }) => line ?? [])).size).toBe(refused);
      }),
      { numRuns: 60 },
    );
  });
});

/** The start time of the only row, or what is said against it. */
const start = async (time: string, zone: string): Promise<string> => {
  const { calls, errors } = await callsOf(`${CALLS_HEADER}\nc1,a.wav,${time},60,,,,,,,\n`, {}, { timeZone: zone });
  return calls[0]?.startTime.toISOString() ?? errors[0]?.message ?? "";
};

describe("times", () => {
  it("reads local times in the batch's zone, also where clocks change", async () => {
    expect(await start("2026-11-20T09:15:30.25", "Asia/Kolkata")).toBe("2026-11-20T03:45:30.250Z");
    expect(await start("2026-07-01 12:00", "Europe/London")).toBe("2026-07-01T11:00:00.000Z");
    expect(await start("2026-03-29T01:30:00", "Europe/London")).toMatch(/does not exist in Europe\/London/);
    expect(await start("2026-10-25T01:30:00", "Europe/London")).toBe("2026-10-25T00:30:00.000Z");
    expect(await start("2026-10-25T01:30:00Z", "Europe/London")).toBe("2026-10-25T01:30:00.000Z");
    expect(await start("2026-10-25T01:30:00-0330", "Europe/London")).toBe("2026-10-25T05:00:00.000Z");
    expect(await start("2026-02-30T10:00:00Z", "UTC")).toMatch(/not on the calendar/);
    expect(await start("2026-02-20T24:00:00Z", "UTC")).toMatch(/not on the calendar or the clock/);
  });

  it("takes the zone from COFI_TIME_ZONE", () => {
    expect(batchTimeZone({})).toBe("UTC");
    expect(batchTimeZone({ COFI_TIME_ZONE: "Asia/Kolkata" })).toBe("Asia/Kolkata");
    expect(() => batchTimeZone({ COFI_TIME_ZONE: "Mars/Base" })).toThrow(/COFI_TIME_ZONE is "Mars\/Base"/);
  });
});

it("sets calls aside whose audio lasts more than 2 s longer or shorter than they say", async () => {
  const { calls } = await callsOf(
    `${CALLS_HEADER}\n${GOOD}\nc2,b.wav,2026-11-20T09:15:00Z,60,,,,,,,\nc3,c.wav,2026-11-20T09:15:00Z,60,,,,,,,\n`,
    { "b.wav": "", "c.wav": "" },
  );
  const { calls: agreeing, errors } = checkDurations(
    calls,
    new Map([
      ["a.wav", 62.5],
      ["b.wav", 57.9],
    ]),
  );
  expect(agreeing.map((call) => call.callId)).toEqual(["c1", "c3"]);
  expect(errors).toEqual([
    {
      severity: "error",
      file: "calls.csv",
      line: 3,
      column: "duration_s",
      code: "DURATION_MISMATCH",
      value: "60",
      message: "calls.csv, line 3: duration_s says 60 s but the recording lasts 57.9 s.",
    },
  ]);
});
