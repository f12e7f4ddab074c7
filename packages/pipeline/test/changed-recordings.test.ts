/** A recording that is replaced between two runs: nothing that was answered about the old one counts for the new one. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchOfFiles, FILES } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const FILE = FILES[4]!;

let bench: BatchBench;
let engine: ScriptedEngine;
let runtime: Runtime;
let folder: string;
beforeEach(async () => {
  bench = await batchInSqlite({ COFI_GRACE_PERIOD_S: "1", COFI_ATTEMPTS: "1" });
  engine = await startScriptedEngine();
  runtime = new RemoteRuntime(() => [engine.url], bench.client, { slotsPerHost: 2 });
  folder = await batchOfFiles();
});
afterEach(async () => {
  await engine.close();
  await bench.close();
});

/** A batch that was run to its end, of which FILE is another recording since. */
async function replaced(): Promise<number> {
  const { batchId, status } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  expect((await heard(batchId)).map((rows) => rows.length > 0)).toEqual([true, true, true]);
  await writeFile(join(folder, FILE), "adieu");
  engine.requests.length = 0;
  return batchId;
}

/** Rows of the transcript, the extraction and the audit answers of FILE. */
async function heard(batchId: number): Promise<unknown[][]> {
  const transcript = await bench.results.transcript(batchId, "C4");
  return [
    transcript ? [transcript] : [],
    await bench.results.extractedTrades(batchId, "C4"),
    await bench.results.answers(batchId, "C4"),
  ];
}

async function verdictOn(batchId: number, tradeId: string) {
  return (await bench.results.verdictsInForce(batchId)).get(tradeId);
}

test.each(["denoise", "ivr", "stt"])(
  "a run that is stopped in %s does not forget that a recording changed",
  async (stage) => {
    const batchId = await replaced();
    const controller = new AbortController();
    engine.plan(stage, FILE, "hang");
    const stopped = bench.run({ folder, runtime, batchId, signal: controller.signal });
    await engine.asked(stage, FILE);
    controller.abort(new Error("stopped by the test"));
    expect((await stopped).status).toBe("interrupted");
    const done = engine.requests.filter((request) => request !== `${stage} ${FILE}`);
    engine.requests.length = 0;
    expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed");
    const stages = ["denoise", "ivr", "lid", "stt"].map((name) => `${name} ${FILE}`);
    expect([...done, ...engine.requests]).toEqual([...stages, "llm1 C4", "llm2 C4"]);
    // Everything is about the present recording now.
    engine.requests.length = 0;
    expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed");
    expect(engine.requests).toEqual([]);
    expect((await heard(batchId)).map((rows) => rows.length > 0)).toEqual([true, true, true]);
  },
);

test("a recording in which nothing is said any more confirms no trade, and nothing stands as heard in it", async () => {
  const batchId = await replaced();
  engine.plan("stt", FILE, { text: "", segments: [] });
  expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed");
  const verdict = await verdictOn(batchId, "T4");
  expect(verdict?.verdict).not.toBe("CONFIRMED");
  expect(verdict?.restsOn.calls).toMatchObject([{ fileName: FILE, llm1: null, llm2: null }]);
  expect(await heard(batchId)).toEqual([[expect.objectContaining({ text: "" })], [], []]);
  expect((await verdictOn(batchId, "T5"))?.verdict).toBe("CONFIRMED");
});

test.each(["denoise", "ivr", "lid", "stt", "llm1", "llm2"])(
  "a changed recording that fails in %s is not judged by what was answered about the old one",
  async (stage) => {
    const batchId = await replaced();
    const before = await verdictOn(batchId, "T4");
    engine.plan(stage, stage.startsWith("llm") ? "C4" : FILE, 422);
    expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed_with_errors");
    const verdict = await verdictOn(batchId, "T4");
    // The audit questions decide nothing by themselves.
    expect(verdict?.verdict === "CONFIRMED").toBe(stage === "llm2");
    const [old] = before!.restsOn.calls;
    for (const call of verdict?.restsOn.calls ?? [])
      for (const name of ["fileDistribution", "ivr", "stt", "llm1", "llm2"] as const)
        expect(call[name]).not.toBe(old?.[name]);
    const done = ["stt", "llm1", "llm2"].map(
      (name) => ["stt", "llm1", "llm2"].indexOf(stage) > ["stt", "llm1", "llm2"].indexOf(name),
    );
    expect((await heard(batchId)).map((rows) => rows.length > 0)).toEqual(done);
    // The next run has nothing to compare with, and knows it all the same.
    engine.requests.length = 0;
    expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed");
    expect(engine.requests.at(-1)).toBe("llm2 C4");
    expect((await verdictOn(batchId, "T4"))?.verdict).toBe("CONFIRMED");
  },
);

test("a host that has a copy of the old recording gets the new one before it is asked, in whichever run that is", async () => {
  const elsewhere = await startScriptedEngine();
  onTestFinished(() => elsewhere.close());
  const limits = { slotsPerHost: 2 };
  runtime = new RemoteRuntime((stage) => [stage === "stt" ? elsewhere.url : engine.url], bench.client, limits);
  const batchId = await replaced();
  expect(elsewhere.uploads).toEqual([]);
  const controller = new AbortController();
  engine.plan("lid", FILE, "hang");
  const stopped = bench.run({ folder, runtime, batchId, signal: controller.signal });
  await engine.asked("lid", FILE);
  controller.abort(new Error("stopped by the test"));
  await stopped;
  expect(elsewhere.uploads).toEqual([]);
  expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed");
  expect(elsewhere.uploads).toEqual([`${FILE} adieu`]);
  const said = (await bench.events(batchId)).filter(
    ({ stage, eventType, fileName }) => stage === "stt" && eventType === "info" && fileName === FILE,
  );
  expect(said.map(({ metadata }) => metadata)).toEqual([
    expect.objectContaining({ uploaded: expect.objectContaining({ host: elsewhere.url, bytes: 5 }) }),
  ]);
});
