/**
 * A pipeline that never ends: `live-writer.mjs <database url> <batch> <events a second> <files>` runs the files of a
 * finished batch again in its last stage, until its input ends: with the process that started it, whatever becomes of that.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openDatabase } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";

const [url = "", batch, rate, files] = process.argv.slice(2);
const STEP_MS = 20;
const stop = new AbortController();
process.stdin.resume().once("close", () => stop.abort());
process.once("SIGTERM", () => stop.abort());

const database = await openDatabase(url);
const store = new Store(database);
const spoolDir = await mkdtemp(join(tmpdir(), "cofi-writer-"));
const logger = await EventLogger.open({ batchId: Number(batch), spoolDir, store });
await store.updateBatch(Number(batch), { status: "running" });
const started = performance.now();
let written = 0;
while (!stop.signal.aborted) {
  const due = ((performance.now() - started) / 1_000) * Number(rate);
  const acknowledged = [];
  for (; written < due; written += 2) {
    const number = 1 + (Math.floor(written / 2) % Number(files));
    const file = `call-2026-11-23-${String(number).padStart(6, "0")}.wav`;
    const gpuIp = `10.20.0.${11 + (number % 4)}`;
    acknowledged.push(
      logger.fileStart("llm2", file, { payload: { file_name: file }, gpuIp, attempt: 2 }),
      logger.fileComplete("llm2", file, { response: { verdict: "CONFIRMED" }, gpuIp, attempt: 2, durationMs: 900 }),
    );
  }
  await Promise.all(acknowledged);
  await pause(STEP_MS);
}
await logger.close(10_000);
await database.close();
await rm(spoolDir, { recursive: true, force: true });
