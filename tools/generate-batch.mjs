/**
 * Writes a batch as a pipeline would, through the real EventLogger: to look at the dashboard at size, and for its tests.
 *
 *     npm run generate -- --files 5000 [--rate 2000] [--trouble] [--name night]
 *
 * Goes into the database that `cofi` uses (COFI_DATABASE_URL, COFI_DATA_DIR). `--rate`: events a second; without it as fast
 * as it goes. `--trouble`: one host answers garbage, 3 % of the files fail for two causes, one file vanishes between two
 * stages, and one stage hangs: the batch is left running.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { openDatabase } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { migrate } from "@cofi/event-log/migrate";
import { databaseUrl } from "@cofi/event-log/settings";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";

/** Typical ms for a file in a stage of recordings. */
const TYPICAL_MS = { file_distribution: 120, denoise: 900, ivr: 350, lid: 600, stt: 4_200, llm1: 1_800, llm2: 2_400 };
const HOSTS = ["10.20.0.11", "10.20.0.12", "10.20.0.13", "10.20.0.14"];
const SENTENCE = "Buy two hundred shares of Reliance at the market, please, and read it back to me. ";

/** What goes wrong with `trouble`: where, and the names by which it must be found. */
export const TROUBLE = {
  sickHost: "10.20.0.14",
  sickStage: "lid",
  hungStage: "stt",
  failingStage: "denoise",
  causes: ["CUDA out of memory", "the recording has no audio stream"],
  vanishedBefore: "ivr",
};

/**
 * @typedef {object} Options
 * @property {Store} store
 * @property {string} spoolDir
 * @property {number} files
 * @property {string} [name]
 * @property {number} [rate] events a second
 * @property {boolean} [trouble]
 * @property {number} [seed]
 * @property {AbortSignal} [signal] ends it between two events; the batch is left running
 */

/** @param {Options} options @returns {Promise<{ batchId: number, vanished: string | null, failed: number, events: number }>} */
export async function generateBatch({
  store,
  spoolDir,
  files,
  name,
  rate = Infinity,
  trouble = false,
  seed = 1,
  signal,
}) {
  const random = randomFrom(seed);
  const batch = await store.createBatch({ name: name ?? `generated ${files}`, folder: null, totalFiles: files });
  const logger = await EventLogger.open({ batchId: batch.id, spoolDir, store });
  const pace = pacer(rate);
  let events = 0;
  let failed = 0;
  /** @param {() => Promise<void>} write */
  const log = async (write) => {
    events += 1;
    const acknowledged = write();
    // Not each event by itself: those in work at once share a commit, as in a pipeline.
    if (events % 64 === 0) await acknowledged;
    await pace();
  };
  let active = Array.from({ length: files }, (_, n) => ({
    name: `call-2026-11-23-${String(n + 1).padStart(6, "0")}.wav`,
    audioSeconds: Math.round(20 + random() * random() * 900),
  }));
  const vanished = trouble ? (active[Math.floor(files / 2)]?.name ?? null) : null;
  await store.updateBatch(batch.id, { status: "running", startedAt: new Date() });
  stages: for (const { name: stage, unit } of STAGES) {
    await store.updateBatch(batch.id, { currentStage: stage });
    if (unit !== "recording") {
      await log(() => logger.stageStart(stage, { totalFiles: 1 }));
      const file = unit === "table" ? `${stage === "callmetadata" ? "calls" : "trades"}.csv` : "T-000001";
      await log(() => logger.fileStart(stage, file, { payload: { file_name: file }, attempt: 1 }));
      await log(() => logger.fileComplete(stage, file, { response: { rows: files }, attempt: 1, durationMs: 40 }));
      await log(() =>
        logger.stageComplete(stage, { status: "success", processedFiles: 1, totalFiles: 1, durationMs: 50 }),
      );
      continue;
    }
    const units =
      trouble && stage === TROUBLE.vanishedBefore ? active.filter((file) => file.name !== vanished) : active;
    await log(() => logger.stageStart(stage, { totalFiles: units.length }));
    const started = performance.now();
    const next = [];
    for (const [index, file] of units.entries()) {
      if (signal?.aborted) break stages;
      if (trouble && stage === TROUBLE.hungStage && index >= units.length / 4) {
        // As many as its hosts work on at once, and then nothing more.
        for (const [slot, hanging] of units.slice(index, index + HOSTS.length).entries())
          await log(() => logger.fileStart(stage, hanging.name, request(stage, hanging, HOSTS[slot], 1)));
        break stages;
      }
      const fate = fateOf(trouble, stage, index, random);
      let host = HOSTS[Math.floor(random() * HOSTS.length)];
      let attempt = 1;
      await log(() => logger.fileStart(stage, file.name, request(stage, file, host, attempt)));
      const durationMs = Math.round(TYPICAL_MS[stage] * (0.5 + random()) * (0.4 + file.audioSeconds / 300));
      const sick = trouble && stage === TROUBLE.sickStage && host === TROUBLE.sickHost;
      if (sick || fate === "retry") {
        const error = sick
          ? `The answer is no JSON: Unexpected token '<', "<html>${index}" is not valid JSON`
          : `No answer from http://${host}:8080/v1/${stage} within ${30_000 + index} ms`;
        await log(() =>
          logger.fileError(stage, file.name, {
            error,
            willRetry: true,
            gpuIp: host,
            attempt,
            durationMs,
            response: sick ? "<html>" : undefined,
          }),
        );
        host = HOSTS[Math.floor(random() * (HOSTS.length - 1))];
        attempt += 1;
        await log(() => logger.fileStart(stage, file.name, request(stage, file, host, attempt)));
      }
      if (fate.startsWith("fail")) {
        const cause = TROUBLE.causes[Number(fate.slice(4))];
        const error = `${cause}: ${file.name}, ${1_000 + index} MB`;
        await log(() => logger.fileError(stage, file.name, { error, gpuIp: host, attempt, durationMs }));
        failed += 1;
        continue;
      }
      const response = {
        file_name: file.name,
        text: SENTENCE.repeat(1 + Math.floor(random() * 6)),
        confidence: random(),
      };
      await log(() => logger.fileComplete(stage, file.name, { response, gpuIp: host, attempt, durationMs }));
      next.push(file);
      if (index % 500 === 499)
        await log(() => logger.stageProgress(stage, { processedFiles: index + 1, totalFiles: units.length }));
    }
    active = next;
    await log(() =>
      logger.stageComplete(stage, {
        status: "success",
        processedFiles: units.length,
        totalFiles: units.length,
        durationMs: performance.now() - started,
      }),
    );
    if (stage === STAGES.at(-1)?.name) {
      const status = failed > 0 ? "completed_with_errors" : "completed";
      await logger.drain();
      await store.updateBatch(batch.id, { status, finishedAt: new Date() });
    }
  }
  await logger.close(600_000);
  return { batchId: batch.id, vanished, failed, events };
}

/** @param {string} stage @param {{ name: string, audioSeconds: number }} file @param {string | undefined} host @param {number} attempt */
function request(stage, { name, audioSeconds }, host, attempt) {
  const payload = { file_name: name, stage, language: "en", caller: "+91 98200 12345", text: SENTENCE.repeat(2) };
  return { payload, gpuIp: host, attempt, metadata: { audioSeconds } };
}

/** @param {boolean} trouble @param {string} stage @param {number} index @param {() => number} random */
function fateOf(trouble, stage, index, random) {
  const dice = random();
  if (trouble) return stage === TROUBLE.failingStage && index % 33 === 7 ? `fail${index % 2}` : "well";
  if (dice < 0.002) return `fail${dice < 0.001 ? 0 : 1}`;
  return dice < 0.012 ? "retry" : "well";
}

/** Events per second, in steps of 20 ms. @param {number} rate */
function pacer(rate) {
  if (rate === Infinity) return () => Promise.resolve();
  const started = performance.now();
  let count = 0;
  return async () => {
    count += 1;
    const ahead = (count / rate) * 1_000 - (performance.now() - started);
    if (ahead > 20) await pause(ahead);
  };
}

/** The same numbers for the same seed (a linear congruential generator). @param {number} seed */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function main() {
  const { values } = parseArgs({
    options: {
      files: { type: "string", default: "50" },
      rate: { type: "string" },
      trouble: { type: "boolean", default: false },
      name: { type: "string" },
      seed: { type: "string", default: "1" },
    },
  });
  const dataDir = process.env["COFI_DATA_DIR"] || "data";
  const database = await openDatabase(databaseUrl(process.env, dataDir));
  await migrate(database);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const { batchId, events } = await generateBatch({
    store: new Store(database),
    spoolDir: join(dataDir, "spool"),
    files: Number(values.files),
    trouble: values.trouble,
    seed: Number(values.seed),
    signal: stop.signal,
    ...(values.name === undefined ? {} : { name: values.name }),
    ...(values.rate === undefined ? {} : { rate: Number(values.rate) }),
  });
  await database.close();
  console.log(`Batch ${batchId}: ${events} events.`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
