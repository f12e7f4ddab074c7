/**
 * Writes a batch as a pipeline would, through the real EventLogger, for looking at a large dashboard and for tests.
 *
 *     npm run generate -- --files 5000 [--rate 2000] [--trouble] [--name night] [--seed 2]
 *
 * It writes into the database that `cofi` uses (COFI_DATABASE_URL, COFI_DATA_DIR). `--rate` is in events a second; without
 * it, the tool writes as fast as it can. With `--trouble` one host answers garbage, 3 % of the files fail for two causes, one
 * file vanishes between two stages, and one stage hangs, so the batch is left running. The same `--seed` makes the same events.
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
import { fatesOf, hostStepsOf, NOT_BEGUN, TROUBLE } from "./trouble.mjs";

/** Typical ms for a file in a stage of recordings. */
const TYPICAL_MS = { file_distribution: 120, denoise: 900, ivr: 350, lid: 600, stt: 4_200, llm1: 1_800, llm2: 2_400 };
const HOSTS = ["10.20.0.11", "10.20.0.12", "10.20.0.13", "10.20.0.14"];
const SENTENCE = "Buy two hundred shares of Reliance at the market, please, and read it back to me. ";

/**
 * @typedef {object} Options
 * @property {Store} store
 * @property {string} spoolDir
 * @property {number} files
 * @property {string} [name]
 * @property {number} [rate] events a second
 * @property {boolean} [trouble]
 * @property {number} [seed]
 * @property {AbortSignal} [signal] stops between two events; the batch is left running
 * @property {(events: number) => Promise<void>} [pace] awaited after each event, with the number of events so far
 */

/** @typedef {{ name: string, audioSeconds: number }} Recording */
/** @typedef {import("@cofi/event-log/stages").StageName} StageName */
/** @typedef {keyof typeof TYPICAL_MS} RecordingStage */
/** @typedef {import("./trouble.mjs").Fate} Fate */

/**
 * @typedef {object} Run
 * @property {EventLogger} logger
 * @property {(write: () => Promise<unknown>) => Promise<void>} log
 * @property {() => number} random
 * @property {ReturnType<typeof fatesOf>["fateOf"]} fateOf
 * @property {ReturnType<typeof hostStepsOf>} steps
 * @property {AbortSignal | undefined} signal
 * @property {number} events so far
 * @property {number} failed files so far
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
  pace = pacer(rate),
}) {
  const random = randomFrom(seed);
  const batch = await store.createBatch({ name: name ?? `generated ${files}`, folder: null, totalFiles: files });
  const logger = await EventLogger.open({ batchId: batch.id, spoolDir, store });
  const recordings = Array.from({ length: files }, (_, n) => ({
    name: `call-2026-11-23-${String(n + 1).padStart(6, "0")}.wav`,
    audioSeconds: Math.round(20 + random() * random() * 900),
  }));
  const { vanished, fateOf } = fatesOf(trouble, recordings);
  /** @type {Run} */
  const run = {
    logger,
    random,
    fateOf,
    steps: hostStepsOf((stage, step) =>
      run.log(() => logger.info(stage, `${TROUBLE.unhealthyHost}, ${step.to}: ${step.rule}`, stepOf(step))),
    ),
    signal,
    events: 0,
    failed: 0,
    async log(write) {
      run.events += 1;
      const acknowledged = write();
      // Not each event by itself: events that are in progress together share a commit, as in a pipeline.
      if (run.events % 64 === 0) await acknowledged;
      await pace(run.events);
    },
  };
  await store.updateBatch(batch.id, { status: "running", startedAt: new Date() });
  /** @type {Recording[] | null} */
  let active = recordings;
  for (const { name: stage, unit } of STAGES) {
    await store.updateBatch(batch.id, { currentStage: stage });
    if (unit === "recording") active = await recordingStage(run, stage, active);
    else await tableStage(run, stage, unit, files);
    if (active === null) break;
  }
  if (active !== null) {
    await logger.drain();
    const status = run.failed > 0 ? "completed_with_errors" : "completed";
    await store.updateBatch(batch.id, { status, finishedAt: new Date() });
  }
  await logger.close(600_000);
  return { batchId: batch.id, vanished, failed: run.failed, events: run.events };
}

/** A stage with one file. @param {Run} run @param {Exclude<StageName, RecordingStage>} stage @param {string} unit @param {number} rows */
async function tableStage({ logger, log }, stage, unit, rows) {
  const file = unit === "table" ? `${stage === "callmetadata" ? "calls" : "trades"}.csv` : "T-000001";
  await log(() => logger.stageStart(stage, { totalFiles: 1 }));
  await log(() => logger.fileStart(stage, file, { payload: { file_name: file }, attempt: 1 }));
  await log(() => logger.fileComplete(stage, file, { response: { rows }, attempt: 1, durationMs: 40 }));
  await log(() => logger.stageComplete(stage, { status: "success", processedFiles: 1, totalFiles: 1, durationMs: 50 }));
}

/**
 * @param {Run} run @param {RecordingStage} stage @param {Recording[]} arriving
 * @returns {Promise<Recording[] | null>} the files for the next stage; null when the run was stopped, or the stage hangs
 */
async function recordingStage(run, stage, arriving) {
  const { logger, log, random, fateOf, signal } = run;
  const files = arriving.filter((file) => fateOf(stage, file, NOT_BEGUN) !== "vanish");
  await log(() => logger.stageStart(stage, { totalFiles: files.length }));
  await run.steps.begun(stage);
  const started = performance.now();
  const survivors = [];
  for (const [index, file] of files.entries()) {
    if (signal?.aborted) return null;
    const dice = random();
    const host = HOSTS[Math.floor(random() * HOSTS.length)];
    const fate = fateOf(stage, file, { index, of: files.length, host, dice });
    if (fate === "hang") {
      // As many as its hosts work on at once, and then nothing more.
      for (const [slot, hanging] of files.slice(index, index + HOSTS.length).entries())
        await log(() => logger.fileStart(stage, hanging.name, request(stage, hanging, HOSTS[slot], 1)));
      return null;
    }
    if (!(await oneFile(run, stage, file, { index, host, fate }))) continue;
    survivors.push(file);
    if (index % 500 === 499)
      await log(() => logger.stageProgress(stage, { processedFiles: index + 1, totalFiles: files.length }));
  }
  await log(() =>
    logger.stageComplete(stage, {
      status: "success",
      processedFiles: files.length,
      totalFiles: files.length,
      durationMs: performance.now() - started,
    }),
  );
  return survivors;
}

/**
 * Logs all attempts of a file in a stage.
 * @param {Run} run @param {RecordingStage} stage @param {Recording} file
 * @param {{ index: number, host: string | undefined, fate: Fate }} first `host`: of the first attempt
 * @returns {Promise<boolean>} whether it is done
 */
async function oneFile(run, stage, file, { index, host: firstHost, fate }) {
  const { logger, log, random, steps } = run;
  let host = firstHost;
  let attempt = 1;
  await steps.before(stage, host);
  await log(() => logger.fileStart(stage, file.name, request(stage, file, host, attempt)));
  const durationMs = Math.round(TYPICAL_MS[stage] * (0.5 + random()) * (0.4 + file.audioSeconds / 300));
  if (fate === "garbage" || fate === "retry") {
    const answer =
      fate === "garbage"
        ? {
            error: `The answer is no JSON: Unexpected token '<', "<html>${index}" is not valid JSON`,
            response: "<html>",
          }
        : { error: `No answer from http://${host}:8080/v1/${stage} within ${30_000 + index} ms` };
    await log(() =>
      logger.fileError(stage, file.name, { ...answer, willRetry: true, gpuIp: host, attempt, durationMs }),
    );
    if (fate === "garbage") await steps.after(stage, host, answer.error);
    host = HOSTS[Math.floor(random() * (HOSTS.length - 1))];
    attempt += 1;
    await log(() => logger.fileStart(stage, file.name, request(stage, file, host, attempt)));
  }
  if (fate === "fail0" || fate === "fail1") {
    const cause = TROUBLE.causes[fate === "fail0" ? 0 : 1];
    const error = `${cause}: ${file.name}, ${1_000 + index} MB`;
    await log(() => logger.fileError(stage, file.name, { error, gpuIp: host, attempt, durationMs }));
    run.failed += 1;
    return false;
  }
  const response = {
    file_name: file.name,
    text: SENTENCE.repeat(1 + Math.floor(random() * 6)),
    confidence: random(),
  };
  await log(() => logger.fileComplete(stage, file.name, { response, gpuIp: host, attempt, durationMs }));
  await steps.after(stage, host, null);
  return true;
}

/** @param {string} stage @param {{ name: string, audioSeconds: number }} file @param {string | undefined} host @param {number} attempt */
function request(stage, { name, audioSeconds }, host, attempt) {
  const payload = { file_name: name, stage, language: "en", caller: "+91 98200 12345", text: SENTENCE.repeat(2) };
  return { payload, gpuIp: host, attempt, metadata: { audioSeconds } };
}

/** @param {import("./trouble.mjs").Step} step */
function stepOf({ from, to, rule }) {
  const host = TROUBLE.unhealthyHost;
  return { gpuIp: host, metadata: { host: { engine: `${host}#0`, url: `http://${host}:8080`, from, to, rule } } };
}

/** Events per second, in steps of 20 ms. @param {number} rate */
function pacer(rate) {
  if (rate === Infinity) return () => Promise.resolve();
  const started = performance.now();
  /** @param {number} count events so far */
  return async (count) => {
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

const USAGE = `npm run generate -- [--files 50] [--name night] [--rate 2000] [--seed 1] [--trouble]

Writes a batch through the real EventLogger into the database that cofi uses.
--files N     recordings
--name TEXT   name of the batch
--rate N      events a second; without it as fast as it can
--seed N      the same number makes the same batch
--trouble     one host answers garbage, 3 % of the files fail for two causes, one file vanishes, one stage hangs
`;

/** Returns null after it printed the help or an error. @param {string[]} args */
function argumentsOf(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        files: { type: "string", default: "50" },
        rate: { type: "string" },
        trouble: { type: "boolean", default: false },
        name: { type: "string" },
        seed: { type: "string", default: "1" },
        help: { type: "boolean", default: false },
      },
    });
    if (!values.help) return values;
    console.log(USAGE);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
  }
  return null;
}

async function main() {
  const values = argumentsOf(process.argv.slice(2));
  if (values === null) return;
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
