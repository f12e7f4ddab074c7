/** calls.csv, row by row: what is read, and what is said of a row that cannot be. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBatchFolder } from "@cofi/pipeline/batch-folder";
import { checkDurations, readCalls, type CallsCsv } from "@cofi/pipeline/calls-csv";
import { MissingColumnsError } from "@cofi/pipeline/csv-rows";
import { InputError } from "@cofi/pipeline/input-error";
import { batchTimeZone } from "@cofi/pipeline/zoned-time";
import { batchWith, CALLS_HEADER } from "./batch-files.js";

async function read(csv: string | Buffer, files: Record<string, string> = {}, timeZone = "UTC"): Promise<CallsCsv> {
  return readCalls(await readBatchFolder(await batchWith({ "calls.csv": csv, ...files })), { timeZone });
}

function brief({ errors }: CallsCsv) {
  return errors.map(({ line, column, code, value }) => [line, column, code, value]);
}

const GOOD = "c1,a.wav,2026-11-20T09:15:00+05:30,60.5,in,00 91 98123-45678,,2104,D07,c1,2";

describe("readCalls", () => {
  it("reads a row into values of its own types", async () => {
    const { calls, errors, rows } = await read(`${CALLS_HEADER}\n${GOOD}\n`);
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
    const result = await read(csv, { "b.wav": "", "c.wav": "" });
    expect(result.calls.map(({ callId, line }) => [callId, line])).toEqual([
      ["c1", 2],
      ["c2", 6],
    ]);
    expect(brief(result)).toEqual([[7, "duration_s", "BAD_TYPE", "sixty"]]);
  });

  it("sets each bad row aside with its line, column and code, and goes on", async () => {
    const result = await read(
      [
        CALLS_HEADER,
        ",a.wav,,60,,,,,,,",
        "c2,a.wav,20/11/2026 09:15,-1,SIDEWAYS,98123,,,,,0",
        "c3,../../etc/passwd,2026-11-20T09:15:00Z,60,,,,,,,",
        "c4,none.wav,2026-11-20T09:15:00Z,60,,,,,,,",
        GOOD,
        "c1,b.wav,2026-11-20T09:15:00Z,60,,,,,,,",
        "c6,a.wav,2026-11-20T09:15:00Z,60,,,,,,,",
        "c7,b.wav,2026-11-20",
        'c8,"b.wav"x,2026-11-20T09:15:00Z,60,,,,,,,',
        'c9,"b.wav,2026-11-20T09:15:00Z,60,,,,,,,',
        "c10,c.wav,2026-11-20T09:15:00Z,60,,,,,,,",
      ].join("\n"),
      { "b.wav": "", "c.wav": "", "d.wav": "" },
    );
    expect(brief(result)).toEqual([
      [2, "call_id", "MISSING_VALUE", undefined],
      [2, "start_time", "MISSING_VALUE", undefined],
      [3, "start_time", "BAD_TIME", "20/11/2026 09:15"],
      [3, "duration_s", "BAD_TYPE", "-1"],
      [3, "direction", "BAD_ENUM", "SIDEWAYS"],
      [3, "caller_number", "BAD_PHONE", "•••23"],
      [3, "channels", "BAD_TYPE", "0"],
      [4, "file_name", "BAD_TYPE", "../../etc/passwd"],
      [5, "file_name", "FILE_NOT_FOUND", "none.wav"],
      [7, "call_id", "DUPLICATE_ID", "c1"],
      [8, "file_name", "DUPLICATE_ID", "a.wav"],
      [9, null, "MALFORMED_ROW", undefined],
      [10, null, "MALFORMED_ROW", undefined],
      [11, null, "MALFORMED_ROW", undefined],
      [null, "file_name", "FILE_NOT_LISTED", "d.wav"],
    ]);
    expect(result.calls.map((call) => call.callId)).toEqual(["c1", "c10"]);
    expect(result.rows).toBe(11);
    expect(result.errors[9]?.message).toBe("calls.csv, line 7: call_id is the one of line 6 again.");
  });

  it("says which value is not UTF-8", async () => {
    const row = Buffer.from(`${CALLS_HEADER}\nc1,a.wav,2026-11-20T09:15:00Z,60,,,,,D\u00e9,,\n${GOOD}`, "latin1");
    const result = await read(row);
    expect(brief(result)).toEqual([[2, "dealer_id", "BAD_ENCODING", undefined]]);
    expect(result.calls).toHaveLength(1);
  });

  it("stops when the file as a whole cannot be used", async () => {
    const missing: unknown = await read("call_id;file_name;start_time;duration_s\nx;y;z;1").catch(
      (error: unknown) => error,
    );
    expect(missing).toBeInstanceOf(MissingColumnsError);
    expect(missing).toMatchObject({
      code: "MISSING_COLUMN",
      missing: ["call_id", "file_name", "start_time", "duration_s"],
    });
    expect((missing as Error).message).toMatch(/separated by ;: write the file with commas/);
    await expect(read("call_id,file_name,duration_s\n1,2,3")).rejects.toThrow(
      /lacks the column start_time\. Expected: call_id\*/,
    );
    for (const [csv, said] of [
      ["", /calls\.csv is empty: its first line must name the columns/],
      [`${CALLS_HEADER}\n\n`, /has a header but no rows/],
      ["call_id,call_id", /names the column call_id twice/],
      [Buffer.from(`\ufeff${CALLS_HEADER}\n`, "utf16le"), /not UTF-8 text/],
    ] as const) {
      const error: unknown = await read(csv).catch((reason: unknown) => reason);
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
        const { calls, errors, rows } = await read(csv);
        const refused = new Set(errors.filter(({ line }) => line !== null).map(({ line }) => line)).size;
        expect(calls.length + refused).toBe(rows);
      }),
      { numRuns: 60 },
    );
  });
});

it("reads a file without quotes as it reads one with them", async () => {
  const cell = fc.oneof(
    fc.constantFrom(
      "c1",
      "c2",
      "a.wav",
      "60",
      "",
      " ",
      "\n",
      "\r",
      "\r\n",
      ",",
      ",,,,,,,,,,",
      "2026-11-20T09:15:00Z",
      GOOD,
    ),
    fc.constant("x".repeat(70_000)),
    fc.string().filter((text) => !text.includes('"')),
  );
  // A quote in the header has the whole file parsed.
  const quoted = CALLS_HEADER.replace("call_id", '"call_id"');
  await fc.assert(
    fc.asyncProperty(fc.array(cell, { maxLength: 60 }), fc.boolean(), async (cells, isEnded) => {
      const rows = cells.join(",") + (isEnded ? "\n" : "");
      const [plain, parsed] = await Promise.all(
        [CALLS_HEADER, quoted].map((header) => read(`${header}\n${GOOD}\n${rows}`)),
      );
      expect(plain).toEqual(parsed);
    }),
    { numRuns: 100 },
  );
});

/** The start time of the only row, or what is said against it. */
const start = async (time: string, zone: string): Promise<string> => {
  const { calls, errors } = await read(`${CALLS_HEADER}\nc1,a.wav,${time},60,,,,,,,\n`, {}, zone);
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
  const { calls } = await read(
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
      file: "calls.csv",
      line: 3,
      column: "duration_s",
      code: "DURATION_MISMATCH",
      value: "60",
      message: "calls.csv, line 3: duration_s says 60 s but the recording lasts 57.9 s.",
    },
  ]);
});
