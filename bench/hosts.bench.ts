/** One of eight hosts misbehaves: how much longer a batch takes than on eight hosts that are well. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { STAGES } from "@cofi/event-log/stages";
import { Results } from "@cofi/evidence/results";
import { startScriptedEngine, type ScriptedOptions } from "../test/support/scripted-engine.js";
import { makeFolder } from "./support/interrupted-batch.js";
import { record } from "./support/results.js";

const COFI = fileURLToPath(new URL("../packages/cli/bin/cofi.js", import.meta.url));
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

interface Run {
  ms: number;
  /** The verdicts, as text. */
  verdicts: string;
}

async function runWith(bad: (begunAt: number) => ScriptedOptions): Promise<Run> {
  const root = await mkdtemp(join(tmpdir(), "cofi-hosts-"));
  const begunAt = performance.now();
  const engines = await Promise.all(
    Array.from({ length: HOSTS }, (_, n) =>
      startScriptedEngine({ keepsFiles: true, tookMs, ...(n === 0 && bad(begunAt)) }),
    ),
  );
  const forgetting = setTimeout(() => engines[0]?.forget(), bad(begunAt).isThere?.() ? 6_000 : 3_600_000);
  try {
    const folder = join(root, "batch");
    await makeFolder(folder, FILES);
    const urls = engines.map(({ url }) => url).join(",");
    const { PATH = "" } = process.env;
    const env = {
      PATH,
      COFI_DATA_DIR: join(root, "data"),
      COFI_SLOTS_PER_HOST: "1",
      ...Object.fromEntries(STAGES.map(({ name }) => [`COFI_ENGINE_${name.toUpperCase()}_URLS`, urls])),
    };
    const started = performance.now();
    const child = spawn(process.execPath, [COFI, "run", folder], { env, stdio: ["ignore", "ignore", "inherit"] });
    const [code] = (await once(child, "close")) as [number | null];
    const ms = performance.now() - started;
    if (code !== 0) throw new Error(`cofi run ended with ${code}.`);
    const database = await openDatabase(`sqlite:${join(root, "data", "cofi.sqlite")}`);
    const trades = await new Results(database).trades(1);
    await database.close();
    return { ms, verdicts: JSON.stringify(trades.map(({ tradeId, verdict }) => [tradeId, verdict])) };
  } finally {
    clearTimeout(forgetting);
    await Promise.all(engines.map((engine) => engine.close()));
    await rm(root, { recursive: true, force: true });
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
