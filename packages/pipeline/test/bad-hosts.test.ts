/** One of several hosts misbehaves: no file is lost, what is found is the same, and it is asked little. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LogEvent } from "@cofi/event-log/events";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import {
  startScriptedEngine,
  type ScriptedEngine,
  type ScriptedOptions,
} from "../../../test/support/scripted-engine.js";
import { CALLS_HEADER, folderWith, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const FILES = Array.from({ length: 60 }, (_, n) => `call-${n}.wav`);
const HOSTS = 4;

let bench: BatchBench;
let engines: ScriptedEngine[] = [];
let folder: string;

beforeEach(async () => {
  bench = await batchInSqlite({ COFI_RETRY_DELAY_MS: "100" });
  const call = (file: string, n: number) => `C${n},${file},2026-11-20T09:00:00Z,10,IN,+919810000000,,,D1,AB1,1`;
  folder = await folderWith({
    ...Object.fromEntries(FILES.map((file) => [file, `sound of ${file}`])),
    "calls.csv": [CALLS_HEADER, ...FILES.map(call)].join("\n"),
    "trades.csv": `${TRADES_HEADER}\nT1,,2026-11-20T09:00:05Z,,AB1,+919810000000,D1,INFY,BUY,200,1500,DEALER\n`,
  });
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  engines = [];
  await bench.close();
});

async function resultsWith(bad: ScriptedOptions) {
  const good: ScriptedOptions = { keepsFiles: true, tookMs: () => 2 };
  engines = await Promise.all(
    Array.from({ length: HOSTS }, (_, n) => startScriptedEngine(n === 0 ? { ...good, ...bad } : good)),
  );
  const urls = engines.map(({ url }) => url);
  const runtime = new RemoteRuntime(() => urls, bench.client, { slotsPerHost: 2 });
  const { status, batchId } = await bench.run({ folder, runtime });
  const events = await bench.events(batchId);
  const done = events.flatMap(({ eventType, stage, fileName }) =>
    eventType === "file_complete" && fileName?.startsWith("call-") ? [`${stage} ${fileName}`] : [],
  );
  const verdicts = (await bench.results.trades(batchId)).map(({ tradeId, verdict }) => [tradeId, verdict]);
  return { status, events, done: new Set(done), verdicts };
}

/** The steps of each stage can be read by themselves, and each other try of a file has its rule. */
function expectSteps(events: readonly LogEvent[]): void {
  const known = new Map<string, string>();
  for (const { stage, fileName, gpuIp, metadata } of events) {
    const { host, hedge } = (metadata ?? {}) as { host?: Record<string, string>; hedge?: Record<string, unknown> };
    if (hedge) {
      expect(hedge).toMatchObject({ rule: expect.stringContaining("it has been in work on ") });
      const begun = events.find(
        (one) =>
          one.eventType === "file_start" &&
          one.attempt === hedge["attempt"] &&
          one.fileName === fileName &&
          one.stage === stage,
      );
      expect(begun?.gpuIp).toBe(gpuIp);
    }
    if (!host) continue;
    expect(host).toMatchObject({
      engine: expect.stringMatching(/#\d$/),
      engines: HOSTS,
      rule: expect.any(String),
    });
    const before = known.get(`${stage} ${host["engine"]}`);
    // What a host was in the stage before is said anew.
    if (before === undefined) expect([host["from"], host["to"]]).not.toEqual(["ejected", "probing"]);
    known.set(`${stage} ${host["engine"]}`, host["to"]!);
  }
}

const isOfFiles = (stage: string): boolean => stage !== "file_distribution";
const modes: [string, ScriptedOptions][] = [
  ["hangs", { always: (stage) => (isOfFiles(stage) ? "hang" : "ok") }],
  ["breaks off", { always: () => "reset" }],
  ["answers 500", { always: () => 500 }],
  ["answers with garbage", { always: () => "garbage" }],
  ["answers with another shape", { always: () => "wrong shape" }],
  ["answers 404 as a web server does", { always: () => "no such page" }],
  ["leads to a log-in page", { always: () => "log in" }],
  ["answers byte by byte", { always: () => "trickle" }],
  ["is away", { isThere: () => false }],
  ["is slow", { tookMs: () => 150 }],
];

test.each(modes)("a host that %s: each file is done in each stage, and the batch says the same", async (_, bad) => {
  const { status, done, verdicts, events } = await resultsWith(bad);
  expect(status).toBe("completed");
  expect(done.size).toBe(FILES.length * new Set([...done].map((line) => line.split(" ")[0])).size);
  expect(verdicts).toEqual([["T1", "CONFIRMED"]]);
  // Faults in a row before it is left out, those in work beside them, and one for each time that it was tried again.
  const changes = events.flatMap(({ metadata }) => {
    const host = (metadata as { host?: { url: string; to: string } } | null)?.host;
    return host?.url === engines[0]?.url ? [host?.to] : [];
  });
  const faults = events.filter(
    ({ eventType, errorMessage }) => eventType === "error" && !/\(404 \w+-missing\)/.test(errorMessage ?? ""),
  );
  expectSteps(events);
  const stages = new Set(faults.map(({ stage }) => stage)).size;
  expect(faults.length).toBeLessThanOrEqual(5 * stages + changes.filter((to) => to === "probing").length);
});
