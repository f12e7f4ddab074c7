/** A run with many files in work warns of nothing: Node takes many listeners on one signal or socket for a leak. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { CALLS_HEADER, folderWith, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const FILES = 300;
const SLOTS = 64;

let bench: BatchBench;
let engine: ScriptedEngine;
let warnings: Error[];
const noteWarning = (warning: Error): void => void warnings.push(warning);

beforeEach(async () => {
  bench = await batchInSqlite({ COFI_SLOTS_PER_HOST: String(SLOTS) });
  engine = await startScriptedEngine();
  warnings = [];
  process.on("warning", noteWarning);
});
afterEach(async () => {
  process.off("warning", noteWarning);
  await engine.close();
  await bench.close();
});

test(
  "64 files at once, some of them tried again, bring about no warning of the process",
  { timeout: 120_000 },
  async () => {
    const names = Array.from({ length: FILES }, (_, n) => `f${n}.wav`);
    const calls = names.map(
      (file, n) => `C${n},${file},2026-11-20T09:00:00Z,10,IN,+9198${String(n).padStart(8, "0")},,,D1,AB${n},1`,
    );
    const folder = await folderWith({
      ...Object.fromEntries(names.map((file) => [file, "audio"])),
      "calls.csv": [CALLS_HEADER, ...calls].join("\n"),
      "trades.csv": `${TRADES_HEADER}\nT1,,2026-11-20T09:00:05Z,,AB1,+919800000001,D1,INFY,BUY,200,1500,DEALER`,
    });
    for (const name of names.slice(0, 2 * SLOTS)) engine.plan("denoise", name, 500);
    const limits = { slotsPerHost: SLOTS, engineStartTimeoutMs: 5_000 };
    const { status, summary } = await bench.run({
      folder,
      runtime: new RemoteRuntime(() => [engine.url], bench.client, limits),
    });
    expect([status, summary]).toEqual(["completed", "All files went through."]);
    // A warning is told a moment after its cause.
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.map(({ stack }) => stack)).toEqual([]);
  },
);
