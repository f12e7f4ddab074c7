/** Runs a folder as a batch: opens or continues it, holds the lease, takes it through the stages, and says how it ended. */
import { EventLogger, shipLeftovers } from "@cofi/event-log/event-logger";
import type { Batch, Json } from "@cofi/event-log/events";
import { HostShares } from "@cofi/event-log/host-shares";
import { RunSupersededError, type RunOutcome } from "@cofi/event-log/runs";
import type { Results } from "@cofi/evidence/results";
import type { Sealer } from "@cofi/evidence/sealer";
import type { FilePlace, Store } from "@cofi/event-log/store";
import { readBatchFolder, type BatchFolder } from "./batch-folder.js";
import { Answers } from "./answers.js";
import { Beside } from "./beside.js";
import { Calls, Recordings, type BatchContext } from "./context.js";
import { PLAIN_CSV, type CsvSettings } from "../csv/csv-settings.js";
import { DerivedAudio } from "./derived-audio.js";
import { drain } from "./drain.js";
import type { EngineClient } from "../hosts/engine-client.js";
import { isLost, Lease } from "./lease.js";
import type { OpenAiEngines } from "../hosts/openai-client.js";
import { Measured } from "./measured.js";
import { openBatch, type WantedBatch } from "./open-batch.js";
import { runConfiguration } from "./run-configuration.js";
import { RunSlots } from "./run-slots.js";
import { SlotQueue } from "./slot-queue.js";
import type { HostState } from "../pool/host-state.js";
import type { RunningEngines, Runtime } from "../runtime/runtime.js";
import { StartedOnce } from "../runtime/started-once.js";
import type { PipelineSettings } from "../settings.js";
import { Stopping } from "./stopping.js";
import { throughStages, type BatchResult } from "./through-stages.js";
import type { SymbolMaster } from "../symbols/symbol-master.js";
import type { TriageConfig } from "../triage/triage-config.js";
import { whenAvailable, whenFree } from "./when-available.js";

export type { BatchResult } from "./through-stages.js";

export interface RunBatchOptions extends WantedBatch {
  folder: string;
  store: Store;
  results: Results;
  /** Seals the events of a batch that ends; without it they are not sealed. */
  sealer?: Sealer;
  runtime: Runtime;
  client: EngineClient;
  openAi: OpenAiEngines;
  settings: PipelineSettings;
  triageConfig: TriageConfig;
  /** How the CSV files are read; as documented where it is left out. */
  csv?: CsvSettings;
  /** Companies by symbol; without it symbols have no names but those that the engines know. */
  symbolMaster?: SymbolMaster;
  /** Of Cofi. */
  version: string;
  /** Which engines answer: recorded with the run. No keys or passwords. */
  engines: Json;
  spoolDir: string;
  /** Aborts when the batch is to stop; the call then settles within the grace period, whatever does not answer. */
  signal: AbortSignal;
  /** For the operator's terminal; holds no payload. */
  report: (message: string) => void;
}

/**
 * Runs the batch to its end, or until the signal aborts.
 * @throws InputError when the folder cannot be a batch; BatchInUseError; LeaseLostError; DatabaseUnavailableError before the
 *   first stage only; the signal's reason when it aborted before the batch had begun
 */
export async function runBatch(options: RunBatchOptions): Promise<BatchResult> {
  const { store, report, version, settings, signal } = options;
  const stopping = new Stopping(signal, () => settings.gracePeriodMs);
  try {
    const reading = { ...(options.csv ?? PLAIN_CSV), timeZone: options.triageConfig.timeZone };
    const folder = await stopping.within(readBatchFolder(options.folder, signal, reading));
    signal.throwIfAborted();
    await stopping.within(shipEarlierEvents(options));
    signal.throwIfAborted();
    const configuration = await runConfiguration(options);
    // Before there is a batch: one whose events cannot be stored would wait with them for ever.
    await stopping.within(whenFree(() => store.assertCanInsert(), options));
    const opening = whenFree(() => openBatch(store, folder, options), options);
    const { batch, isNew, message } = await stopping.within(opening);
    const { leaseMs } = settings;
    const taking = whenFree(() => Lease.take(store, batch, { leaseMs, version, configuration, report }), options);
    // One that is granted after it was given up must not keep others from the batch.
    const lease = await stopping.within(taking).catch((error: unknown) => {
      void taking.then((late) => late.release("interrupted")).catch(() => undefined);
      throw error;
    });
    report(message);
    let outcome: RunOutcome = "failed";
    try {
      const result = await withLease(options, folder, batch, isNew, lease);
      outcome = result.status as RunOutcome;
      return result;
    } finally {
      await stopping.toTheEnd(lease.release(outcome));
    }
  } finally {
    stopping.dispose();
  }
}

async function shipEarlierEvents(options: RunBatchOptions): Promise<void> {
  const { store, spoolDir, report, signal } = options;
  const sink = {
    insertEvents: (events: Parameters<Store["insertEvents"]>[0]) => whenFree(() => store.insertEvents(events), options),
    identityOf: (batchId: number): Promise<string | null> => store.identityOf(batchId),
  };
  const leftovers = await shipLeftovers(spoolDir, sink, ({ message }) => report(message), signal);
  if (leftovers.shipped > 0) report(`Shipped ${leftovers.shipped} events that an earlier run left in the spool.`);
}

async function withLease(
  options: RunBatchOptions,
  folder: BatchFolder,
  batch: Batch,
  isNew: boolean,
  lease: Lease,
): Promise<BatchResult> {
  const { store, settings, report, sealer } = options;
  const runtime = new StartedOnce(options.runtime);
  const signal = AbortSignal.any([options.signal, lease.lost]);
  // A run without its lease works on files that are another run's.
  const stopping = new Stopping(signal, (reason) => (isLost(reason) ? 0 : settings.gracePeriodMs));
  try {
    const logger = await stopping.within(openLogger(options, lease)).catch(async (error: unknown) => {
      // Nothing of it has happened: a batch that waits to be continued would be one too many.
      if (isNew) await stopping.toTheEnd(store.updateBatchOf(lease.run, { status: "failed", finishedAt: new Date() }));
      throw error;
    });
    try {
      const context = await newContext({ ...options, runtime }, folder, lease, logger, stopping);
      let result: BatchResult;
      try {
        result = await throughStages(context, batch, { store, runtime, stopping, sealer, report });
      } finally {
        await stopping.toTheEnd(context.derived.close(stopping.hard));
        await stopping.toTheEnd(context.slots.close());
      }
      if (isLost(signal.reason)) throw signal.reason;
      return (await drain(logger, { stopping, report }))
        ? result
        : { ...result, summary: `${result.summary} Some events are still in the spool; the next run ships them.` };
    } finally {
      await stopping.toTheEnd(logger.close(0));
    }
  } finally {
    stopping.dispose();
  }
}

/** Reports problems until it is closed: what is logged later is of work that nobody waits for. */
async function openLogger(
  { settings, spoolDir, store, report }: RunBatchOptions,
  { run }: Lease,
): Promise<EventLogger> {
  return EventLogger.open({
    batchId: run.batchId,
    run: run.run,
    spoolDir,
    store,
    maxTextBytes: settings.maxPayloadBytes,
    durability: settings.durability,
    onProblem: ({ message }) => report(message),
  });
}

async function newContext(
  options: RunBatchOptions,
  folder: BatchFolder,
  lease: Lease,
  logger: EventLogger,
  stopping: Stopping,
): Promise<BatchContext> {
  const { settings, triageConfig, csv = PLAIN_CSV, symbolMaster = new Map() } = options;
  const { client, openAi, store, results, report } = options;
  const { run } = lease;
  const { signal } = stopping;
  const write = <T>(work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      if (!(error instanceof RunSupersededError)) throw error;
      lease.supersede();
      throw signal.reason;
    });
  const persist = <T>(work: () => Promise<T>): Promise<T> =>
    stopping.within(whenAvailable(() => write(work), { signal, report }));
  const runs = await persist(() => store.runs(run.batchId));
  const configurationSha256 = runs.find((record) => record.run === run.run)?.configurationSha256;
  if (configurationSha256 === undefined) throw new Error(`Run ${run.run} of batch ${run.batchId} is not in batchRun.`);
  let refused = 0;
  const noted = new Map<string, Promise<void>>();
  const noteFiles = (files: FilePlace): Promise<void> => {
    const known = noted.get(files.place) ?? persist(() => store.noteFiles(run, files));
    noted.set(files.place, known);
    return known;
  };
  const denoise = (): Promise<RunningEngines> => {
    const info = (message: string, metadata: Json): void => void logger.info("denoise", message, { metadata });
    return options.runtime.start("denoise", run.batchId, { info, error: info }, signal);
  };
  const answers = new Answers(store, run.batchId, persist);
  const hostStates = new Map<string, HostState>();
  const slots = new RunSlots({ shares: new HostShares(store.database), run, persist, write, signal });
  const ofDenoise = new SlotQueue("denoise", slots);
  await slots.join(ofDenoise);
  return {
    batchId: run.batchId,
    run,
    configurationSha256,
    folder,
    settings,
    triageConfig,
    csv,
    symbolMaster,
    client,
    openAi,
    logger,
    results,
    recordings: new Recordings(folder),
    calls: new Calls(folder),
    trades: { all: [] },
    answers,
    measured: new Measured(folder),
    beside: new Beside(),
    derived: new DerivedAudio({
      batchId: run.batchId,
      folder,
      client,
      denoise,
      slots: ofDenoise,
      noteFiles,
      hostStates,
      patienceMs: settings.engineStartTimeoutMs,
      hasChanged: (fileName) => answers.changes.has(fileName),
    }),
    renewed: new Set(),
    hostStates,
    slots,
    refuse: (count) => void (refused += count),
    refused: () => refused,
    signal,
    noteFiles,
    report,
    persist,
  };
}
