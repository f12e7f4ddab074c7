/** Runs a folder as a batch: opens or continues it, holds the lease, takes it through the stages, and says how it ended. */
import { basename } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import { EventLogger, shipLeftovers } from "@cofi/event-log/event-logger";
import type { Batch, BatchStatus, Json } from "@cofi/event-log/events";
import type { Run, RunOutcome } from "@cofi/event-log/runs";
import type { Results } from "@cofi/evidence/results";
import { isStageName, STAGES, STEPS } from "@cofi/event-log/stages";
import type { Store } from "@cofi/event-log/store";
import { readBatchFolder, type BatchFolder } from "./batch-folder.js";
import { Answers } from "./answers.js";
import { Calls, type BatchContext } from "./context.js";
import type { EngineClient } from "../hosts/engine-client.js";
import { InputError } from "../input-error.js";
import { BatchInUseError, Lease } from "./lease.js";
import { isOutOfLease, throwIfStopped } from "./stopping.js";
import type { OpenAiEngines } from "../hosts/openai-client.js";
import { runStage, StageFailedError, type StageOutcome } from "./runner.js";
import type { Runtime } from "../runtime/runtime.js";
import type { PipelineSettings } from "../settings.js";
import { PIPELINE } from "../stages/stages.js";
import type { TriageConfig } from "../triage/triage-config.js";
import { DEFAULT_VERDICT } from "../verdict/verdict-config.js";

export interface RunBatchOptions {
  folder: string;
  /** Of a new batch, for people; default the folder's own name. */
  name?: string | undefined;
  /** Go on with this batch and try its failed files again, also when it has ended. */
  batchId?: number | undefined;
  /** Start a new batch also where the folder's latest is unfinished. */
  fresh?: boolean | undefined;
  store: Store;
  results: Results;
  runtime: Runtime;
  client: EngineClient;
  openAi: OpenAiEngines;
  settings: PipelineSettings;
  triageConfig: TriageConfig;
  /** Of Cofi. */
  version: string;
  /** Which engines answer: recorded with the run. No keys or passwords. */
  engines: Json;
  spoolDir: string;
  /** Aborts when the batch is to stop: what is in work may finish within the grace period. */
  signal: AbortSignal;
  /** How long the right to run the batch outlives its last renewal; default the setting. */
  leaseMs?: number | undefined;
  /** For the operator's terminal; holds no payload. */
  report: (message: string) => void;
}

export interface BatchResult {
  batchId: number;
  status: BatchStatus;
  /** What happened, in a sentence or two. */
  summary: string;
}

/** After the grace period: how long what was cut off may take to log that, before the log is closed under it. */
const LAST_WORDS_MS = 1_500;
const DATABASE_RETRY_MS = 1_000;
const UNFINISHED: ReadonlySet<BatchStatus> = new Set(["pending", "running", "interrupted"]);

/**
 * Runs the batch to its end, or until the signal aborts.
 * @throws InputError when the folder cannot be a batch; BatchInUseError; DatabaseUnavailableError before the first stage only
 */
export async function runBatch(options: RunBatchOptions): Promise<BatchResult> {
  const { store, report, spoolDir, version, leaseMs = options.settings.leaseMs } = options;
  const folder = await readBatchFolder(options.folder);
  throwIfStopped(options.signal);
  const leftovers = await shipLeftovers(spoolDir, store, ({ message }) => report(message));
  if (leftovers.shipped > 0) report(`Shipped ${leftovers.shipped} events that an earlier run left in the spool.`);

  throwIfStopped(options.signal);
  const { batch, message } = await openBatch(options, folder);
  const lease = await Lease.take(store, batch, { leaseMs, version, configuration: configurationOf(options), report });
  report(message);
  let outcome: RunOutcome = "failed";
  try {
    const result = await withLease(
      { ...options, signal: AbortSignal.any([options.signal, lease.lost]) },
      folder,
      batch,
      lease.run,
    );
    outcome = result.status as RunOutcome;
    return result;
  } finally {
    await lease.release(outcome);
  }
}

/** What decides how this run judges: recorded with it. Keys and passwords are no part of it. */
function configurationOf({ settings, triageConfig, engines }: RunBatchOptions): Json {
  return { triage: triageConfig, verdict: { ...DEFAULT_VERDICT }, pipeline: { ...settings }, engines };
}

async function withLease(options: RunBatchOptions, folder: BatchFolder, batch: Batch, run: Run): Promise<BatchResult> {
  const { store, settings, report, spoolDir, signal } = options;
  const logger = await EventLogger.open({
    batchId: batch.id,
    run: run.run,
    spoolDir,
    store,
    maxTextBytes: settings.maxPayloadBytes,
    durability: settings.durability,
    onProblem: ({ message }) => report(message),
  });
  try {
    const result = await throughStages(await newContext(options, folder, run, logger), batch, options);
    if (isOutOfLease(signal)) throw signal.reason;
    return (await drain(logger, options))
      ? result
      : { ...result, summary: `${result.summary} Some events are still in the spool; the next run ships them.` };
  } finally {
    await logger.close(0);
  }
}

/** The batch to run, and what to tell the operator once it is known that nobody else runs it. */
async function openBatch(
  { store, batchId, fresh, name }: RunBatchOptions,
  folder: BatchFolder,
): Promise<{ batch: Batch; message: string }> {
  const goOn = (batch: Batch) => ({ batch, message: `Going on with batch ${batch.id}: ${batch.name}` });
  if (batchId !== undefined) {
    const batch = await store.batch(batchId);
    if (!batch) throw new InputError(`There is no batch ${batchId}. \`npx cofi run <folder>\` starts one.`);
    const ofFolder = await store.folderOfBatch(batchId);
    if (ofFolder !== folder.path)
      throw new InputError(`Batch ${batchId} was read from ${ofFolder ?? "no folder"}, not from ${folder.path}.`);
    return goOn(batch);
  }
  const latest = fresh ? null : await store.latestBatchOfFolder(folder.path);
  if (latest && UNFINISHED.has(latest.status)) return goOn(latest);
  const batch = await store.createBatch({ name: name ?? (basename(folder.path) || folder.path), folder: folder.path });
  return { batch, message: `Batch ${batch.id}: ${batch.name}, ${folder.recordings.length} recordings` };
}

interface RunContext extends BatchContext {
  readonly refused: number;
}

async function newContext(
  options: RunBatchOptions,
  folder: BatchFolder,
  run: Run,
  logger: EventLogger,
): Promise<RunContext> {
  const { settings, triageConfig, client, openAi, store, results, signal, report } = options;
  const persist = <T>(work: () => Promise<T>): Promise<T> => whenAvailable(work, signal, report);
  const runs = await persist(() => store.runs(run.batchId));
  const configurationSha256 = runs.find((record) => record.run === run.run)?.configurationSha256;
  if (configurationSha256 === undefined) throw new Error(`Run ${run.run} of batch ${run.batchId} is not in batchRun.`);
  let refused = 0;
  return {
    batchId: run.batchId,
    run,
    configurationSha256,
    folder,
    settings,
    triageConfig,
    client,
    openAi,
    logger,
    results,
    recordings: new Map(folder.recordings.map((recording) => [recording.fileName, recording])),
    calls: new Calls(),
    trades: { all: [] },
    answers: new Answers(store, run.batchId, persist),
    changed: new Set(),
    refuse: (count) => void (refused += count),
    get refused() {
      return refused;
    },
    report,
    persist,
  };
}

/** Runs `work`, again and again while the database is away. Rejects with the signal's reason when the batch is stopped meanwhile. */
async function whenAvailable<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  report: (message: string) => void,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      if (attempt === 1) report(`${error.message} Waiting for it.`);
      if (signal.aborted) throw error;
      await pause(DATABASE_RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function throughStages(context: RunContext, batch: Batch, options: RunBatchOptions): Promise<BatchResult> {
  const { store, settings, signal, report, runtime } = options;
  const hard = new AbortController();
  let grace: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    // Whoever took the batch over works on the same files.
    const graceMs = isOutOfLease(signal) ? 0 : settings.gracePeriodMs;
    grace = setTimeout(() => {
      hard.abort(signal.reason);
      // On a full disk nobody could log anything, and everybody would wait for it.
      grace = setTimeout(() => void context.logger.close(0), LAST_WORDS_MS);
    }, graceMs);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const outcomes: (StageOutcome & { name: string })[] = [];
  let ended: { status: BatchStatus; summary: string };
  try {
    await context.persist(() =>
      store.updateBatchOf(context.run, {
        status: "running",
        totalFiles: context.folder.recordings.length,
        startedAt: batch.startedAt ? new Date(batch.startedAt) : new Date(),
        finishedAt: null,
      }),
    );
    for (const entry of [...context.folder.refused, ...context.folder.ignored])
      void context.logger.info("file_distribution", `${entry.name} ${entry.reason}`, {
        metadata: { leftOut: entry.name },
      });
    for (const stage of PIPELINE) {
      signal.throwIfAborted();
      const { name } = stage;
      if (isStageName(name)) await context.persist(() => store.updateBatchOf(context.run, { currentStage: name }));
      report(`${labelOf(stage.name)} …`);
      // What earlier stages were answered is read from the log: all of it must be there.
      if (stage.reads.length > 0 && !(await drain(context.logger, options))) signal.throwIfAborted();
      const completed = await context.persist(() => store.completedFiles(batch.id, stage.name));
      const names = new Set(completed.keys());
      const outcome = await runStage(stage, { context, runtime, completed: names, signal, hardSignal: hard.signal });
      outcomes.push({ ...outcome, name: stage.name });
      if (outcome.failed > 0) report(`${labelOf(stage.name)}: ${outcome.failed} failed`);
    }
    ended = conclusion(outcomes, context.refused);
  } catch (error) {
    if (signal.aborted) ended = { status: "interrupted", summary: "Stopped; the same command goes on from here." };
    else if (error instanceof StageFailedError) ended = { status: "failed", summary: error.message };
    else {
      await context.persist(() => store.updateBatchOf(context.run, { status: "failed", finishedAt: new Date() }));
      throw error;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    clearTimeout(grace);
  }
  const finishedAt = ended.status === "interrupted" ? null : new Date();
  // The last events go before the status: whoever sees the end sees all of it.
  await drain(context.logger, options);
  // A batch that was taken over is written by its newest run.
  if (!(signal.reason instanceof BatchInUseError))
    await context
      .persist(() => store.updateBatchOf(context.run, { status: ended.status, finishedAt }))
      .catch((error: Error) => {
        if (!signal.aborted) throw error;
        report(error.message);
      });
  return { batchId: batch.id, ...ended };
}

function conclusion(
  outcomes: readonly (StageOutcome & { name: string })[],
  refused: number,
): { status: BatchStatus; summary: string } {
  const parts = outcomes.filter(({ failed }) => failed > 0).map(({ name, failed }) => `${failed} failed in ${name}`);
  if (refused > 0) parts.push(`${refused} rows or recordings refused`);
  if (parts.length === 0) return { status: "completed", summary: "All files went through." };
  return { status: "completed_with_errors", summary: `${parts.join(", ")}.` };
}

/** Waits for the spool to be shipped: as long as it takes, or for a moment when the batch is being stopped. */
async function drain(logger: EventLogger, { signal, report }: RunBatchOptions): Promise<boolean> {
  const first = await logger.drain(5_000);
  if (first || signal.aborted) return first;
  report("Waiting for the database to take the last events; Ctrl-C leaves them in the spool for the next run.");
  while (!signal.aborted) if (await logger.drain(1_000)) return true;
  return false;
}

function labelOf(name: string): string {
  return [...STAGES, ...STEPS].find((stage) => stage.name === name)?.label ?? name;
}
