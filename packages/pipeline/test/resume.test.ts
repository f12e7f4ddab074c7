/** What a run reads, asks and stores again of what earlier runs, and other services, have logged. */
import { stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Results } from "@cofi/evidence/results";
import { Store } from "@cofi/event-log/store";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchOfFiles, FILES } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

let bench: BatchBench;
let engine: ScriptedEngine;
let runtime: Runtime;
let folder: string;
beforeEach(async () => {
  bench = await batchInSqlite({ COFI_GRACE_PERIOD_S: "1" });
  engine = await startScriptedEngine();
  runtime = new RemoteRuntime(() => [engine.url], bench.client, { slotsPerHost: 2 });
  folder = await batchOfFiles();
});
afterEach(async () => {
  await engine.close();
  await bench.close();
});

/** Notes of which files a transcript was read, and how often one was stored. */
function watched() {
  const read: string[] = [];
  let stored = 0;
  class WatchedStore extends Store {
    override wholeAnswers(...[batchId, stage, names]: Parameters<Store["wholeAnswers"]>) {
      if (stage === "stt") read.push(...names);
      return super.wholeAnswers(batchId, stage, names);
    }
    override async answersPage(...[batchId, stage, ...rest]: Parameters<Store["answersPage"]>) {
      const page = await super.answersPage(batchId, stage, ...rest);
      if (stage === "stt") read.push(...page.files.map(({ fileName }) => fileName));
      return page;
    }
  }
  class WatchedResults extends Results {
    override saveTranscript(...given: Parameters<Results["saveTranscript"]>) {
      stored += 1;
      return super.saveTranscript(...given);
    }
  }
  const { database } = bench.fresh;
  return { store: new WatchedStore(database), results: new WatchedResults(database), read, stored: () => stored };
}

test("transcripts that are done are read only where their file is asked about, and stored once", async () => {
  const controller = new AbortController();
  const first = watched();
  const stopped = bench.run({ folder, runtime, ...first, signal: controller.signal });
  await engine.asked("llm1", "C3");
  controller.abort(new Error("stopped by the test"));
  expect((await stopped).status).toBe("interrupted");
  expect(first.stored()).toBe(FILES.length);

  const again = new AbortController();
  const second = watched();
  engine.requests.length = 0;
  engine.plan("llm1", "C20", "hang");
  const resumed = bench.run({ folder, runtime, ...second, signal: again.signal });
  await engine.asked("llm1", "C20");
  const read = new Set(second.read);
  again.abort(new Error("stopped by the test"));
  await resumed;
  expect(second.stored()).toBe(0);
  expect(read.has("call-00.wav")).toBe(false);
  expect(read.has("call-29.wav")).toBe(false);
  expect([...new Set(engine.requests)].every((request) => request.startsWith("llm1 "))).toBe(true);

  const { batchId, status } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  expect((await bench.results.trades(batchId)).map(({ verdict }) => verdict)).toEqual(FILES.map(() => "CONFIRMED"));
});

/** An answer in the log that no run of ours has written. */
async function logged(batchId: number, fileName: string, response: object): Promise<void> {
  await bench.fresh.insertForeign({
    batchId,
    stage: "stt",
    eventType: "file_complete",
    fileName,
    status: "success",
    response: JSON.stringify(response),
  });
}

test("answers that another service has logged count, and their results are stored; one that cannot be read is asked for again", async () => {
  const controller = new AbortController();
  engine.plan("lid", FILES[0]!, "hang");
  const stopped = bench.run({ folder, runtime, signal: controller.signal });
  await engine.asked("lid", FILES[0]!);
  controller.abort(new Error("stopped by the test"));
  const { batchId } = await stopped;
  const text = "two hundred shares of infosys, bought elsewhere";
  const segments = [{ id: 0, start_s: 1, end_s: 4, text, confidence: 0.9 }];
  const common = { engine: { name: "other", version: "1", model: "m" }, elapsed_ms: 1, model: "m" };
  await logged(batchId, FILES[1]!, { ...common, language: "en", duration_s: 10, text, confidence: 0.9, segments });
  await logged(batchId, FILES[2]!, { words: "of another shape" });

  engine.requests.length = 0;
  const second = await bench.run({ folder, runtime });
  expect(second.status).toBe("completed_with_errors");
  expect(engine.requests.filter((request) => request.startsWith("stt "))).toHaveLength(FILES.length - 2);
  expect((await bench.results.transcript(batchId, "C1"))?.text).toBe(text);
  expect(await bench.results.transcript(batchId, "C2")).toBeNull();

  engine.requests.length = 0;
  const third = await bench.run({ folder, runtime, batchId });
  expect(third.status).toBe("completed");
  expect(engine.requests.toSorted()).toEqual(["llm1 C2", "llm2 C2", `stt ${FILES[2]}`].toSorted());
  expect((await bench.results.transcript(batchId, "C2"))?.text).toMatch(/infosys/);
});

test("a recording that was touched is not sent again; one of the same size with other words is", async () => {
  const { batchId } = await bench.run({ folder, runtime });
  const [touched, changed] = [join(folder, FILES[0]!), join(folder, FILES[1]!)];
  const { mtime } = await stat(changed);
  await utimes(touched, new Date(), new Date());
  await writeFile(changed, "adieu");
  await utimes(changed, mtime, mtime);
  engine.requests.length = 0;
  const second = await bench.run({ folder, runtime, batchId });
  expect(second.status).toBe("completed");
  expect(new Set(engine.requests.map((request) => request.split(" ")[1]))).toEqual(new Set([FILES[1], "C1"]));
});

test("a call in which nothing is said is left out when its turn comes, on every run", async () => {
  engine.plan("stt", FILES[4]!, { text: "", segments: [] });
  const { batchId, status } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  const of = async (stage: string) => (await bench.events(batchId)).filter((event) => event.stage === stage);
  expect(engine.requests.filter((request) => request.endsWith(" C4"))).toEqual([]);
  expect((await of("llm1")).filter(({ fileName }) => fileName === FILES[4]).map(({ metadata }) => metadata)).toEqual([
    expect.objectContaining({ skipped: "Nothing is said in this call" }),
  ]);
  for (const stage of ["llm1", "llm2"])
    expect((await of(stage)).findLast(({ eventType }) => eventType === "stage_complete")).toMatchObject({
      processedFiles: FILES.length - 1,
      totalFiles: FILES.length - 1,
    });
  engine.requests.length = 0;
  expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed");
  expect(engine.requests).toEqual([]);
});

test("files without an answer do not make the pages smaller that follow", async () => {
  for (const file of FILES.slice(0, -1)) engine.plan("ivr", file, 422);
  const { batchId } = await bench.run({ folder, runtime });
  const limits: number[] = [];
  class WatchedStore extends Store {
    override answersPage(...[id, stage, after, limit]: Parameters<Store["answersPage"]>) {
      if (stage === "ivr") limits.push(limit);
      return super.answersPage(id, stage, after, limit);
    }
  }
  await bench.run({ folder, runtime, batchId, store: new WatchedStore(bench.fresh.database) });
  expect(limits.length).toBeGreaterThan(1);
  expect(limits).toEqual(limits.toSorted((a, b) => a - b));
});
