/** Six model stages with machines of their own: a batch stage after stage, and with stages side by side. */
import { test } from "vitest";
import type { StageName } from "@cofi/event-log/stages";
import { startScriptedEngine, type ScriptedEngine } from "../test/support/scripted-engine.js";
import { measuredBatch, type MeasuredBatch } from "./support/measured-batch.js";
import { medianOf, record } from "./support/results.js";

const FILES = 60;
const MEAN_MS = 100;
const MODELS = ["denoise", "ivr", "lid", "stt", "llm1", "llm2"] as const satisfies readonly StageName[];
const FLOWS = { "stage after stage": "stages", "side by side": "pipelined" } as const;

/** From half to one and a half times the mean; another for the same file in another stage. */
function tookMs(stage: string, file: string): number {
  let hash = 0;
  for (const character of `${stage} ${file}`) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return MEAN_MS * (0.5 + (hash % 1_000) / 1_000);
}

test("six model stages with machines of their own", async () => {
  const engines = new Map<string, ScriptedEngine>();
  for (const stage of MODELS) engines.set(stage, await startScriptedEngine({ tookMs }));
  const enginesOf = (stage: StageName): ScriptedEngine[] => [engines.get(stage) ?? engines.get("denoise")!];
  const found: Record<string, number> = {};
  const verdicts = new Set<string>();
  try {
    for (const [name, flow] of Object.entries(FLOWS)) {
      const runs: MeasuredBatch[] = [];
      for (let n = 0; n < 3; n++) runs.push(await measuredBatch(FILES, enginesOf, { COFI_FLOW: flow }));
      for (const run of runs) verdicts.add(run.verdicts);
      found[name] = medianOf(runs.map(({ ms }) => ms));
    }
  } finally {
    await Promise.all([...engines.values()].map((engine) => engine.close()));
  }
  if (verdicts.size !== 1) throw new Error("The verdicts differ.");
  await record(
    `A batch of ${FILES} files, six model stages with a host each, ${MEAN_MS} ms a file and stage`,
    "ms",
    found,
    "Bar: side by side <= 0.5 times as long; the same verdicts.",
  );
});
