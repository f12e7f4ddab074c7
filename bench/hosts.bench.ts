/** One of eight hosts misbehaves: how much longer a batch takes than on eight hosts that are well. */
import { test } from "vitest";
import { startScriptedEngine, type ScriptedOptions } from "../test/support/scripted-engine.js";
import { measuredBatch, type MeasuredBatch } from "./support/measured-batch.js";
import { record } from "./support/results.js";

const FILES = 200;
const HOSTS = 8;
const MEAN_MS = 100;

const isAsked = (stage: string): boolean => stage !== "file_distribution";
const MODES: [string, (begunAt: number) => ScriptedOptions][] = [
  ["all are well", () => ({})],
  ["one hangs", () => ({ always: (stage) => (isAsked(stage) ? "hang" : "ok") })],
  ["one breaks off", () => ({ always: () => "reset" })],
  ["one answers 500", () => ({ always: () => 500 })],
  ["one answers garbage with 200", () => ({ always: () => "garbage" })],
  ["one answers in another shape", () => ({ always: () => "wrong shape" })],
  ["one answers 404", () => ({ always: () => "no such page" })],
  ["one answers 302", () => ({ always: () => "log in" })],
  ["one is ten times slower", () => ({ tookMs: (stage, file) => 10 * tookMs(stage, file) })],
  ["one answers byte by byte", () => ({ always: () => "trickle" })],
  ["one is away", () => ({ isThere: () => false })],
  ["one dies and comes back empty", (begunAt) => ({ isThere: () => !isDown(begunAt) })],
];

/** From the fifth to the eighth second. */
function isDown(begunAt: number): boolean {
  const ms = performance.now() - begunAt;
  return ms > 5_000 && ms < 8_000;
}

/** From half to one and a half times the mean; the same for a file in every stage and run. */
function tookMs(stage: string, file: string): number {
  if (!isAsked(stage)) return 0;
  let hash = 0;
  for (const character of file) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return MEAN_MS * (0.5 + (hash % 1_000) / 1_000);
}

async function runWith(bad: (begunAt: number) => ScriptedOptions): Promise<MeasuredBatch> {
  const begunAt = performance.now();
  const engines = await Promise.all(
    Array.from({ length: HOSTS }, (_, n) =>
      startScriptedEngine({ keepsFiles: true, tookMs, ...(n === 0 && bad(begunAt)) }),
    ),
  );
  const forgetting = setTimeout(() => engines[0]?.forget(), bad(begunAt).isThere?.() ? 6_000 : 3_600_000);
  try {
    return await measuredBatch(FILES, () => engines);
  } finally {
    clearTimeout(forgetting);
    await Promise.all(engines.map((engine) => engine.close()));
  }
}

test("one of eight hosts misbehaves", async () => {
  const found: Record<string, number> = {};
  let expected: string | null = null;
  for (const [name, bad] of MODES) {
    const { ms, verdicts } = await runWith(bad);
    expected ??= verdicts;
    if (verdicts !== expected) throw new Error(`${name}: the verdicts differ from those of hosts that are well.`);
    found[name] = ms;
  }
  const title = `A batch of ${FILES} files on ${HOSTS} hosts, ${MEAN_MS} ms a file and stage`;
  await record(title, "ms", found, "Bar: <= 1.3 times as long as on hosts that are well; the same verdicts.");
});
