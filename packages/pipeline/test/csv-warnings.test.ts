/** What a run logs of CSV files that are not as documented, and what becomes of their trades. */
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { foldDetail } from "@cofi/views/detail/replay";
import { findingsOf } from "@cofi/views/detail/findings";
import { csvSettings } from "@cofi/pipeline/csv-settings";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { CALLS_HEADER, folderWith, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

let bench: BatchBench;
let engine: ScriptedEngine;
let runtime: Runtime;
beforeEach(async () => {
  bench = await batchInSqlite({ COFI_ATTEMPTS: "1" });
  engine = await startScriptedEngine();
  runtime = new RemoteRuntime(() => [engine.url], bench.client, { slotsPerHost: 2 });
});
afterEach(async () => {
  await engine.close();
  await bench.close();
});

const call = (n: number, caller: string, more = "1") =>
  `C${n},c${n}.wav,2026-11-20T09:15:00Z,10,IN,${caller},,,D1,AB${n},${more}`;
const trade = (n: number, more = "DEALER") =>
  `T${n},,2026-11-20T09:15:05Z,,AB${n},+9198100000${10 + n},D1,INFY,BUY,200,1500,${more}`;
const wav = (...numbers: number[]) => Object.fromEntries(numbers.map((n) => [`c${n}.wav`, "audio"]));

async function findings(batchId: number) {
  const batch = (await bench.store.batch(batchId))!;
  const { detail, summaries } = await foldDetail(bench.store, batch, await bench.store.maxEventId());
  return findingsOf(detail, summaries, [], new Date().toISOString()).map(({ kind, what, text }) => [kind, what, text]);
}

async function responseOf(batchId: number, stage: string): Promise<Record<string, unknown>> {
  const event = (await bench.events(batchId)).findLast(
    (one) => one.stage === stage && one.eventType === "file_complete",
  );
  return JSON.parse((await bench.store.event(event!.id))!.response!) as Record<string, unknown>;
}

test("odd values cost nothing but themselves, and are in the response, in the log and among the findings", async () => {
  const callers = ["anonymous", "9810000002", ...Array.from({ length: 40 }, () => "withheld")];
  const numbers = callers.map((_, n) => n + 1);
  const folder = await folderWith({
    ...wav(...numbers),
    "calls.csv": [CALLS_HEADER, ...callers.map((caller, n) => call(n + 1, caller))].join("\n"),
    "trades.csv": [TRADES_HEADER, trade(1)].join("\n"),
  });
  const result = await bench.run({ folder, runtime });
  expect(result).toMatchObject({ status: "completed" });
  expect(bench.reported).toContain("calls.csv: 42 values need a look; `npx cofi check` lists them.");
  expect(await bench.results.calls(result.batchId)).toHaveLength(42);

  const { warnings, notes, ...rest } = await responseOf(result.batchId, "callmetadata");
  expect(rest).toMatchObject({
    rows: 42,
    accepted: 42,
    refused: 0,
    codes: {},
    read: { encoding: "utf-8", separator: "commas" },
  });
  expect(notes).toEqual({ count: 0, kinds: [] });
  const [withheld, national] = (warnings as { kinds: { first: unknown[] }[] }).kinds;
  expect(warnings).toMatchObject({
    count: 42,
    kinds: [
      { code: "WITHHELD", column: "caller_number", count: 41 },
      { code: "BAD_PHONE", count: 1 },
    ],
  });
  // Bounded, whatever the number.
  expect(withheld?.first).toHaveLength(20);
  expect(national?.first).toEqual([
    { line: 3, value: "••••••••02", message: expect.stringMatching(/line 3: caller_number has no country code/) },
  ]);

  const said = (await bench.events(result.batchId)).filter(
    ({ fileName, eventType }) => fileName === "calls.csv" && eventType === "info",
  );
  expect(said.map(({ metadata }) => (metadata as { message: string }).message)).toEqual([
    "calls.csv, line 2: caller_number names no number; it is taken as not given. 40 more like it.",
    expect.stringMatching(/^calls\.csv, line 3: caller_number has no country code/),
  ]);
  expect(JSON.stringify(said)).not.toContain("98100");
  expect(await findings(result.batchId)).toEqual([["values", "calls.csv", "42 values of calls.csv need a look"]]);
});

test("COFI_PHONE_COUNTRY and a mapping are recorded with the run, and a file is read again under others", async () => {
  const folder = await folderWith({
    ...wav(1),
    "calls.csv": [CALLS_HEADER, call(1, "9810000011")].join("\n"),
    "trades.csv": [TRADES_HEADER, trade(1)].join("\n"),
  });
  const { batchId } = await bench.run({ folder, runtime });
  const triaged = async () => (await bench.results.trades(batchId)).map(({ triage }) => triage);
  expect(await triaged()).toEqual(["WEAK_MATCH"]);
  const csv = await csvSettings({ COFI_PHONE_COUNTRY: "IN", COFI_CSV_MAPPING: "nse-bse-trades" });
  await bench.run({ folder, runtime, batchId, csv });
  expect(await triaged()).toEqual(["MATCHED"]);
  expect(await findings(batchId)).toEqual([]);
  const [first, second] = (await bench.store.runs(batchId)).map(
    ({ configuration }) => JSON.parse(configuration) as unknown,
  );
  expect(first).toMatchObject({ csv: { phoneCountry: null, mappings: {} } });
  expect(second).toMatchObject({ csv: { phoneCountry: "IN", mappings: { "nse-bse-trades": { trades: {} } } } });
});

test("a verdict that found no call says how many recordings had no valid row", async () => {
  const folder = await folderWith({
    ...wav(1, 2, 3),
    "calls.csv": [CALLS_HEADER, call(1, "+919810000011"), "C2,c2.wav,03/04/2026 09:15,10,,,,,,,"].join("\n"),
    "trades.csv": [TRADES_HEADER, trade(1), trade(9)].join("\n"),
  });
  const { batchId } = await bench.run({ folder, runtime });
  const [matched, other] = await bench.results.trades(batchId);
  expect(matched?.triageReason).not.toMatch(/valid row/);
  expect(other).toMatchObject({
    verdict: "NO_VOICE_EVIDENCE",
    verdictReason:
      "No call with a phone or the code of client AB9. 2 recordings have no valid row in calls.csv and were not searched.",
  });
  // Corrected, it says so no longer.
  await writeFile(
    join(folder, "calls.csv"),
    [CALLS_HEADER, call(1, "+919810000011"), call(2, ""), call(3, "")].join("\n"),
  );
  await bench.run({ folder, runtime, batchId });
  expect((await bench.results.trades(batchId))[1]?.verdictReason).toBe(
    "No call with a phone or the code of client AB9.",
  );
});

test("a trade whose contract is not understood, or is none, is never CONFIRMED", async () => {
  const said = "please buy two hundred shares of infosys at fifteen hundred rupees";
  engine.plan("stt", "c1.wav", {
    text: said,
    segments: [{ id: 0, start_s: 1, end_s: 4, text: said, confidence: 0.9 }],
  });
  const batch = async (contract: string) => {
    const folder = await folderWith({
      ...wav(1),
      "calls.csv": [CALLS_HEADER, call(1, "+919810000011")].join("\n"),
      "trades.csv": [`${TRADES_HEADER},instrument,expiry,strike,option_type`, `${trade(1)},${contract}`].join("\n"),
    });
    const { batchId } = await bench.run({ folder, runtime });
    const [found] = await bench.results.trades(batchId);
    return [found?.verdict, /but (.*) cannot be compared/.exec(found?.verdictReason ?? "")?.[1]];
  };
  expect(await batch("EQ,,,")).toEqual(["CONFIRMED", undefined]);
  expect(await batch("FUTSTK,,,")).toEqual(["LOW_CONFIDENCE", "the instrument, which is not known from trades.csv,"]);
  expect(await batch("OPT,2026-11-26,,CE")).toEqual([
    "LOW_CONFIDENCE",
    "the strike, which is not known from trades.csv,",
  ]);
  expect(await batch("FUT,,,")).toEqual(["LOW_CONFIDENCE", "the expiry, which is not known from trades.csv,"]);
});

test("thousands of refused rows are logged one by one, and their number is right", async () => {
  const bad = Array.from({ length: 3_000 }, (_, n) => `T${n},,never,,AB1,,D1,INFY,BUY,200,1500,DEALER`);
  const folder = await folderWith({
    ...wav(1),
    "calls.csv": [CALLS_HEADER, call(1, "+919810000011")].join("\n"),
    "trades.csv": [TRADES_HEADER, ...bad, trade(1)].join("\n"),
  });
  const { batchId, summary } = await bench.run({ folder, runtime });
  expect(summary).toBe("3000 rows or recordings refused.");
  const { rows, accepted, refused, codes } = await responseOf(batchId, "trademetadata");
  expect({ rows, accepted, refused, codes }).toEqual({
    rows: 3_001,
    accepted: 1,
    refused: 3_000,
    codes: { BAD_TIME: 3_000 },
  });
  expect(await findings(batchId)).toEqual([["rows", null, "3,000 trades will not be audited"]]);
});
