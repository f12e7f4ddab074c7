/** Stages side by side: a file goes on to the next stage while others are still in this one. */
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StageName } from "@cofi/event-log/stages";
import { HostPool } from "@cofi/pipeline/host-pool";
import { legsOf } from "@cofi/pipeline/legs";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { EngineStartError, type Runtime } from "@cofi/pipeline/runtime/runtime";
import { PIPELINE } from "@cofi/pipeline/stages";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchOfFiles, FILES } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const FIRST = FILES[0]!;
const OTHERS = FILES.slice(1);
const CALLS = FILES.map((_, n) => `C${n}`);
const MODELS = ["denoise", "ivr", "lid", "stt", "llm1", "llm2"] as const;

let bench: BatchBench;
let engine: ScriptedEngine;
/** What the answer about the first file waits for, by stage. */
let holds: Partial<Record<string, () => Promise<unknown>>>;

beforeEach(async () => {
  bench = await batchInSqlite({ COFI_FLOW: "pipelined" });
  holds = {};
  engine = await startScriptedEngine({ until: (stage, file) => (file === FIRST ? holds[stage]?.() : undefined) });
});
afterEach(async () => {
  await engine.close();
  await bench.close();
});

function runtimeOf(): RemoteRuntime {
  return new RemoteRuntime(() => [engine.url], bench.client, { slotsPerHost: 2 });
}

function allAsked(stage: string, files: readonly string[]): Promise<unknown> {
  return Promise.all(files.map((file) => engine.asked(stage, file)));
}

test("files overtake one that an earlier stage is still at work on, and are asked about in the order of the stages", async () => {
  holds["denoise"] = () => allAsked("lid", OTHERS);
  holds["stt"] = () => allAsked("llm2", CALLS.slice(1));
  const { batchId, status } = await bench.run({ folder: await batchOfFiles(), runtime: runtimeOf() });
  expect(status).toBe("completed");
  const events = await bench.events(batchId);
  for (const file of FILES) {
    const ids = MODELS.flatMap((stage) =>
      events
        .filter(({ fileName, stage: of, eventType }) => fileName === file && of === stage && eventType !== "info")
        .map(({ id, eventType }) => ({ id, eventType })),
    );
    expect(ids.map(({ eventType }) => eventType)).toEqual(MODELS.flatMap(() => ["file_start", "file_complete"]));
    expect(ids.map(({ id }) => id)).toEqual(ids.map(({ id }) => id).toSorted((a, b) => a - b));
  }
  const ends = events.filter(({ eventType, stage }) => eventType === "stage_complete" && isModel(stage));
  expect(ends.map(({ stage, status: of, totalFiles }) => [stage, of, totalFiles])).toEqual(
    MODELS.map((stage) => [stage, "success", FILES.length]),
  );
  const verdicts = await bench.results.verdictsInForce(batchId);
  expect(new Set([...verdicts.values()].map(({ verdict }) => verdict))).toEqual(new Set(["CONFIRMED"]));
});

test("what fails, or is left out, in one stage is no file of the next", async () => {
  engine.plan("denoise", FIRST, 422);
  engine.plan("stt", FILES[1]!, { segments: [], text: "" });
  const { batchId, status } = await bench.run({ folder: await batchOfFiles(), runtime: runtimeOf() });
  expect(status).toBe("completed_with_errors");
  const ends = (await bench.events(batchId)).filter(({ eventType }) => eventType === "stage_complete");
  const totals = new Map(ends.map(({ stage, totalFiles, processedFiles }) => [stage, [processedFiles, totalFiles]]));
  const n = FILES.length;
  expect(MODELS.map((stage) => totals.get(stage))).toEqual([
    [n, n],
    [n - 1, n - 1],
    [n - 1, n - 1],
    [n - 1, n - 1],
    [n - 2, n - 2],
    [n - 2, n - 2],
  ]);
});

test("when one cannot continue, those beside it end, and the next run continues", async () => {
  holds["denoise"] = () => allAsked("ivr", OTHERS.slice(0, 3));
  const rest = runtimeOf();
  const broken: Runtime = {
    start: (stage) => (stage === "lid" ? Promise.reject(new EngineStartError("It has no model.")) : rest.start(stage)),
    machinesOf: (stage) => rest.machinesOf(stage),
  };
  const folder = await batchOfFiles();
  const { batchId, status, summary } = await bench.run({ folder, runtime: broken });
  expect([status, summary]).toEqual(["failed", "lid: It has no model."]);
  const ends = (await bench.events(batchId)).filter(
    ({ eventType, stage }) => eventType === "stage_complete" && isModel(stage),
  );
  expect(ends.map(({ stage, status: of }) => [stage, of]).toSorted()).toEqual(
    ["denoise", "ivr", "lid"].map((stage) => [stage, "failed"]),
  );
  expect(ends.find(({ stage }) => stage === "denoise")?.errorMessage).toMatch(/because lid cannot continue/);
  const again = await bench.run({ folder, batchId, runtime: rest });
  expect(again.status).toBe("completed");
  expect(new Set(engine.requests).size).toBe(engine.requests.length);
});

test("a batch that is stopped continues where each file was", async () => {
  const stop = new AbortController();
  // Two of each stage are in work when it is stopped.
  holds["denoise"] = () => allAsked("lid", OTHERS.slice(0, 3)).then(() => stop.abort(new Error("Ctrl-C")));
  const folder = await batchOfFiles();
  const { batchId, status } = await bench.run({ folder, runtime: runtimeOf(), signal: stop.signal });
  expect(status).toBe("interrupted");
  const again = await bench.run({ folder, batchId, runtime: runtimeOf() });
  expect(again.status).toBe("completed");
  const events = await bench.events(batchId);
  for (const stage of MODELS) {
    const done = events.filter((event) => event.stage === stage && event.eventType === "file_complete");
    expect(done.map(({ fileName }) => fileName).toSorted()).toEqual(FILES);
  }
});

test("by itself a stage runs beside the one before it where it has machines of its own", () => {
  const machines: Partial<Record<StageName, string[]>> = { denoise: ["a", "b"], ivr: ["c"], lid: ["c"], stt: ["d"] };
  const runtime = { machinesOf: (stage: StageName) => machines[stage] ?? ["rest"] };
  const named = (flow: "auto" | "pipelined" | "stages"): string[] =>
    legsOf(PIPELINE, flow, runtime).map((leg) => leg.map(({ name }) => name).join("+"));
  const before = ["file_distribution", "callmetadata", "trademetadata"];
  expect(named("auto")).toEqual([...before, "denoise+ivr", "lid", "calls", "triaging", "stt+llm1", "llm2", "verdicts"]);
  expect(named("pipelined")).toEqual([...before, "denoise+ivr+lid", "calls", "triaging", "stt+llm1+llm2", "verdicts"]);
  expect(named("stages")).toEqual(PIPELINE.map(({ name }) => name));
  const loopback = ["http://127.0.0.1:1", "http://localhost:2", "http://[::1]:3", "http://127.0.0.2:4"];
  const urlOf = (stage: StageName): string[] => [
    loopback[Math.max(0, ["denoise", "ivr", "lid", "stt", "llm1", "llm2"].indexOf(stage)) % 4]!,
  ];
  const here = new RemoteRuntime(urlOf, bench.client, { slotsPerHost: 1 });
  expect(legsOf(PIPELINE, "auto", here).every((leg) => leg.length === 1)).toBe(true);
});

function isModel(stage: string): boolean {
  return (MODELS as readonly string[]).includes(stage);
}

test("of the files that have come the longest is next, and each is asked about once", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(400), { minLength: 1, maxLength: 2_500 }),
      fc.infiniteStream(fc.nat()),
      (lengths, order) => {
        const next = (): number => order.next().value ?? 0;
        const units = lengths.map((length, n) => ({
          name: `${n}`,
          audioSeconds: 1 + length,
          bytes: null,
          prefers: -1,
          isHeld: true,
        }));
        const limits = {
          attempts: 3,
          retryDelayMs: () => 1,
          firstPauseMs: 1,
          mostRequestMs: 1e9,
          mostWithoutHostMs: 1e9,
        };
        const pool = new HostPool({ ...limits, units, hosts: [{ name: "a", slots: 1 }] }, 0);
        pool.decide(0);
        pool.looked(0, null, 0);
        const toCome = lengths.map((_, n) => n).toSorted(() => (next() % 2 === 0 ? 1 : -1));
        const here = new Set<number>();
        const heaviest = (): number => Math.max(...[...here].map((unit) => lengths[unit]!));
        let isFirst = true;
        for (let now = 1; !pool.isOver; now++) {
          for (const unit of toCome.splice(0, 1 + (next() % 40))) {
            if (next() % 10 === 0) pool.withhold(unit);
            else {
              pool.admit(unit, -1);
              here.add(unit);
            }
          }
          for (const decision of pool.decide(now)) {
            if (decision.do !== "ask") continue;
            const { attempt } = decision;
            // The first one is to show how quick the host is.
            if (!isFirst) expect(lengths[attempt.unit]).toBe(heaviest());
            isFirst = false;
            expect(here.delete(attempt.unit)).toBe(true);
            pool.answered(attempt, now);
            pool.release(attempt);
          }
        }
        expect(here.size + toCome.length).toBe(0);
      },
    ),
    { numRuns: 20 },
  );
});
