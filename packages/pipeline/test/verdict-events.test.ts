/** Every verdict is an event that says what it rests on; one that changes between runs is said, and the history stays. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { RunBatchOptions } from "@cofi/pipeline/run-batch";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { sha256 } from "../../../test/support/recording-proxy.js";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchWith, CALLS_HEADER, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

let engine: ScriptedEngine;
let bench: BatchBench;
let folder: string;

const CALL = "c1,a.wav,2026-11-20T09:15:00+05:30,10,IN,+919812345678,,2104,D07,C1,2";
const fill = (id: string, quantity: number, source = "DEALER") =>
  `${id},o1,2026-11-20T09:17:00+05:30,,C1,+919812345678,D07,INFY,BUY,${quantity},1500,${source}`;

beforeEach(async () => {
  engine = await startScriptedEngine();
  bench = await batchInSqlite({ COFI_ATTEMPTS: "1" });
  folder = await batchWith({ "a.wav": "audio", "calls.csv": `${CALLS_HEADER}\n${CALL}\n` });
  await trades(fill("t1", 120), fill("t2", 80), fill("t3", 900, "ONLINE"));
});
afterEach(async () => {
  await bench.close();
  await engine.close();
});

const trades = (...rows: string[]) => writeFile(join(folder, "trades.csv"), [TRADES_HEADER, ...rows, ""].join("\n"));

async function run(options: Partial<RunBatchOptions> = {}) {
  const limits = { slotsPerHost: 1, engineStartTimeoutMs: 5_000 };
  return bench.run({ folder, runtime: new RemoteRuntime(() => [engine.url], bench.client, limits), ...options });
}

const verdictEvents = async (batchId: number) =>
  (await bench.events(batchId)).filter(({ stage, fileName }) => stage === "verdicts" && fileName !== null);

/** Id of the latest answer about a file or trade in a stage. */
async function answerId(batchId: number, stage: string, name = "a.wav") {
  return (await bench.store.answers(batchId, stage, [name])).get(name)?.eventId;
}

it("holds the verdict, its comparison, and the ids and hashes that it rests on", async () => {
  const { batchId } = await run();
  const [record] = await bench.store.runs(batchId);
  const events = await verdictEvents(batchId);
  expect(events.map(({ eventType, fileName, run: number }) => [eventType, fileName, number]).toSorted()).toEqual([
    ["file_complete", "t1", 1],
    ["file_complete", "t2", 1],
    ["file_start", "t1", 1],
    ["file_start", "t2", 1],
  ]);
  const [verdict] = await bench.results.verdictHistory(batchId, "t1");
  expect(verdict).toMatchObject({
    tradeId: "t1",
    verdict: "CONFIRMED",
    callId: "c1",
    mismatches: [],
    run: 1,
    confirmedBy: [],
    restsOn: {
      run: 1,
      configurationSha256: record?.configurationSha256,
      triaging: await answerId(batchId, "triaging", "t1"),
      calls: [
        {
          callId: "c1",
          fileName: "a.wav",
          recordingSha256: sha256(await readFile(join(folder, "a.wav"))),
          fileDistribution: await answerId(batchId, "file_distribution"),
          ivr: await answerId(batchId, "ivr"),
          stt: await answerId(batchId, "stt"),
          llm1: await answerId(batchId, "llm1"),
          llm2: await answerId(batchId, "llm2"),
        },
      ],
    },
  });
  expect(verdict?.lines).toHaveLength(5);
  expect(sha256(record?.configuration ?? "")).toBe(record?.configurationSha256);
  const [stored] = await bench.results.trades(batchId);
  expect(stored).toMatchObject({
    verdict: verdict?.verdict,
    verdictReason: verdict?.reason,
    verdictDetail: { lines: verdict?.lines, mismatches: [] },
  });
  const triaged = await bench.store.answers(batchId, "triaging", ["t1"]);
  expect(triaged.get("t1")?.response).toMatchObject({
    restsOn: {
      run: 1,
      configurationSha256: record?.configurationSha256,
      calls: [{ callId: "c1", ivr: await answerId(batchId, "ivr") }],
    },
  });
  const start = events.find(({ eventType, fileName }) => eventType === "file_start" && fileName === "t1");
  const { payload } = (await bench.store.event(start?.id ?? 0)) ?? {};
  expect(JSON.parse(payload ?? "")).toMatchObject({
    order: { fills: [{ tradeId: "t1", quantity: 120 }, { tradeId: "t2" }] },
    triage: { result: "MATCHED" },
    calls: [{ callId: "c1", transcriptConfidence: 0.9 }],
  });
  expect(payload).not.toContain("9812345678");
});

it("adds no event for a verdict that stays, and confirms it for the run, also under another configuration", async () => {
  const { batchId } = await run();
  await run({ batchId });
  await run({ batchId, triageConfig: { ...DEFAULT_TRIAGE, matchFrom: 60 } });
  expect(await verdictEvents(batchId)).toHaveLength(4);
  expect(await bench.results.verdictHistory(batchId, "t1")).toMatchObject([{ run: 1, confirmedBy: [2, 3] }]);
  expect(bench.reported.join()).not.toContain("earlier run");
});

it("says which verdicts changed, from what to what, and why: in the log and to the operator", async () => {
  const { batchId } = await run();
  await trades(fill("t1", 120), fill("t2", 90));
  await run({ batchId });
  const [now, before] = await bench.results.verdictHistory(batchId, "t2");
  expect(before).toMatchObject({ verdict: "CONFIRMED", run: 1, confirmedBy: [] });
  expect(now).toMatchObject({ verdict: "MISMATCH", mismatches: ["QTY"], run: 2 });
  const changes = (await verdictEvents(batchId)).filter(({ metadata }) =>
    Object.hasOwn(Object(metadata), "verdictChange"),
  );
  expect(changes.map(({ fileName, metadata }) => [fileName, metadata])).toEqual([
    [
      "t1",
      expect.objectContaining({ message: expect.stringContaining("t1 from CONFIRMED to MISMATCH (other trade row") }),
    ],
    ["t2", expect.objectContaining({ verdictChange: expect.objectContaining({ beforeEvent: before?.eventId }) })],
  ]);
  expect(bench.reported.join("\n")).toMatch(
    /2 verdicts are not the same as in an earlier run: t1 from CONFIRMED to MISMATCH \(other trade row.*\); t2 from/,
  );
});

it("withdraws the verdict of a trade that is out of scope or gone, once", async () => {
  const { batchId } = await run();
  await trades(fill("t1", 120, "ONLINE"));
  await run({ batchId });
  await run({ batchId });
  const latest = await bench.results.verdictsInForce(batchId);
  expect(
    [...latest.values()].map(({ tradeId, verdict, reason, run: number }) => [tradeId, verdict, reason, number]),
  ).toEqual([
    ["t1", null, expect.stringContaining("ONLINE"), 2],
    ["t2", null, "The trade is not in trades.csv any more.", 2],
  ]);
  expect(await bench.results.trades(batchId)).toMatchObject([{ tradeId: "t1", verdict: null }]);
  expect((await verdictEvents(batchId)).filter(({ eventType }) => eventType === "file_complete")).toHaveLength(4);
});

it("names another transcript as the reason", async () => {
  engine.plan("llm1", "c1", 422);
  const { batchId } = await run();
  expect(await bench.results.verdictHistory(batchId, "t1")).toMatchObject([{ verdict: "LOW_CONFIDENCE" }]);
  await run({ batchId });
  expect(await bench.results.verdictHistory(batchId, "t1")).toMatchObject([
    { verdict: "CONFIRMED" },
    { verdict: "LOW_CONFIDENCE" },
  ]);
  expect(bench.reported.join("\n")).toContain("t1 from LOW_CONFIDENCE to CONFIRMED (other extraction");
});

it("is not disturbed by what others log under the names of stages and steps", async () => {
  const { batchId } = await run();
  const odd = [
    { tradeId: "t1", restsOn: {} },
    { tradeId: "t1", restsOn: null },
    { tradeId: "t1", restsOn: { calls: [null] } },
    [],
    "t1",
    7,
  ];
  const under = {
    verdicts: "t1",
    triaging: "t1",
    trademetadata: "trades.csv",
    file_distribution: "a.wav",
    llm1: "a.wav",
  };
  for (const [stage, fileName] of Object.entries(under))
    for (const response of odd)
      await bench.fresh.insertForeign({
        batchId,
        stage,
        eventType: "file_complete",
        fileName,
        response: JSON.stringify(response),
      });
  await trades(fill("t1", 120), fill("t2", 90));
  const again = await run({ batchId });
  expect(again.status).toBe("completed");
  expect(await bench.results.verdictHistory(batchId, "t1")).toMatchObject([{ run: 2 }, { run: 1 }]);
});
