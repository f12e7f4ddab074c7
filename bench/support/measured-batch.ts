/** One batch through `cofi run`, as a process of its own, on engines that answer as scripted: how long it takes, and what comes of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDatabase } from "@cofi/event-log/database";
import { STAGES, type StageName } from "@cofi/event-log/stages";
import { Results } from "@cofi/evidence/results";
import type { ScriptedEngine } from "../../test/support/scripted-engine.js";
import { makeFolder } from "./interrupted-batch.js";

const COFI = fileURLToPath(new URL("../../packages/cli/bin/cofi.js", import.meta.url));

export interface MeasuredBatch {
  ms: number;
  /** The verdicts, as text. */
  verdicts: string;
}

/** Each of `enginesOf` a stage takes one file at a time. @throws Error when the run fails */
export async function measuredBatch(
  files: number,
  enginesOf: (stage: StageName) => readonly ScriptedEngine[],
  settings: Record<string, string> = {},
): Promise<MeasuredBatch> {
  const root = await mkdtemp(join(tmpdir(), "cofi-measured-"));
  try {
    const folder = join(root, "batch");
    await makeFolder(folder, files);
    const urls = STAGES.map(({ name }) => [
      `COFI_ENGINE_${name.toUpperCase()}_URLS`,
      enginesOf(name)
        .map(({ url }) => url)
        .join(","),
    ]);
    const { PATH = "" } = process.env;
    const env = {
      PATH,
      COFI_DATA_DIR: join(root, "data"),
      COFI_SLOTS_PER_HOST: "1",
      ...Object.fromEntries(urls),
      ...settings,
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
    await rm(root, { recursive: true, force: true });
  }
}
