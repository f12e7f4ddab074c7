/** Takes a batch through its stages and steps, and records how it ended. */
import type { Batch, BatchStatus } from "@cofi/event-log/events";
import { isStageName, STAGES, STEPS, type WorkName } from "@cofi/event-log/stages";
import type { Store } from "@cofi/event-log/store";
import type { Sealer } from "@cofi/evidence/sealer";
import type { Runtime } from "../runtime/runtime.js";
import { PIPELINE } from "../stages/stages.js";
import type { BatchContext } from "./context.js";
import { BatchInUseError } from "./lease.js";
import { drain } from "./drain.js";
import { legsOf } from "./legs.js";
import { runStages, StageFailedError, type StageOutcome } from "./runner.js";
import type { Stopping } from "./stopping.js";

export interface BatchResult {
  batchId: number;
  status: BatchStatus;
  /** What happened, in a sentence or two. */
  summary: string;
}

export interface StagesOptions {
  store: Store;
  runtime: Runtime;
  stopping: Stopping;
  /** Seals the events of a batch that ends; without it they are not sealed. */
  sealer: Sealer | undefined;
  report: (message: string) => void;
}

const INTERRUPTED = {
  status: "interrupted",
  summary: "Stopped; the same command continues where it stopped.",
} as const satisfies Omit<BatchResult, "batchId">;

/**
 * Runs what is left of the batch. A stop is an outcome, `interrupted`, and no error.
 * @throws what is not a failure of a stage or of a file, after the batch was recorded as failed
 */
export async function throughStages(context: BatchContext, batch: Batch, options: StagesOptions): Promise<BatchResult> {
  const { store, stopping } = options;
  const { signal } = stopping;
  let ended: Omit<BatchResult, "batchId">;
  try {
    await begin(context, batch, options);
    let outcomes: Awaited<ReturnType<typeof everyStage>>;
    try {
      outcomes = await everyStage(context, options);
    } finally {
      await stopping.within(context.beside.done());
    }
    ended = conclusion(outcomes, context.refused());
  } catch (error) {
    if (signal.aborted) ended = INTERRUPTED;
    else if (error instanceof StageFailedError) ended = { status: "failed", summary: error.message };
    else {
      await context.persist(() => store.updateBatchOf(context.run, { status: "failed", finishedAt: new Date() }));
      throw error;
    }
  }
  // The last events go before the status: whoever sees the end sees all of it.
  await drain(context.logger, options);
  // So does the seal: a batch that has ended is sealed. One that was stopped is sealed when it has come to its end.
  if (ended.status !== "interrupted") ended = await sealed(context, ended, options);
  // A batch that was taken over is written by its newest run.
  if (!(signal.reason instanceof BatchInUseError)) await recordEnd(context, ended.status, options);
  return { batchId: batch.id, ...ended };
}

/** @throws what keeps the events from being sealed, after the end of the batch was recorded */
async function sealed(
  context: BatchContext,
  ended: Omit<BatchResult, "batchId">,
  options: StagesOptions,
): Promise<Omit<BatchResult, "batchId">> {
  const { sealer, stopping } = options;
  const { signal } = stopping;
  try {
    signal.throwIfAborted();
    if (sealer) await context.persist(() => sealer.seal(context.run, signal));
    return ended;
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    await recordEnd(context, ended.status, options);
    throw error;
  }
}

async function begin(context: BatchContext, batch: Batch, options: StagesOptions): Promise<void> {
  const { folder, logger, run } = context;
  await context.persist(() =>
    options.store.updateBatchOf(run, {
      status: "running",
      totalFiles: folder.recordings.length,
      startedAt: batch.startedAt ? new Date(batch.startedAt) : new Date(),
      finishedAt: null,
    }),
  );
  if (run.run > 1) {
    // Once the log has an event of this run, whatever an earlier run still sends is history: only then is the log read.
    void logger.info("file_distribution", `Run ${run.run} of this batch begins`, { metadata: { run: run.run } });
    if (!(await drain(logger, options))) options.stopping.signal.throwIfAborted();
  }
  for (const { name, reason } of [...folder.refused, ...folder.ignored])
    void logger.info("file_distribution", `${name} ${reason}`, { metadata: { leftOut: name } });
}

async function everyStage(context: BatchContext, options: StagesOptions): Promise<(StageOutcome & { name: string })[]> {
  const { store, runtime, stopping, report } = options;
  const { signal } = stopping;
  const outcomes: (StageOutcome & { name: string })[] = [];
  const reached = async (name: WorkName): Promise<void> => {
    if (isStageName(name)) await context.persist(() => store.updateBatchOf(context.run, { currentStage: name }));
    report(`${labelOf(name)} …`);
  };
  for (const leg of legsOf(PIPELINE, context.settings.flow, runtime)) {
    signal.throwIfAborted();
    const names = leg.map(({ name }) => name);
    if (leg.length > 1) report(`${names.map(labelOf).join(", ")}: each file goes on to the next as soon as it can.`);
    // What earlier stages were answered is read from the log: all of it must be there.
    if (leg.some(({ reads }) => reads.length > 0) && !(await drain(context.logger, options))) signal.throwIfAborted();
    for (const [place, outcome] of (await runStages(leg, { context, runtime, stopping, reached })).entries()) {
      const name = names[place]!;
      outcomes.push({ ...outcome, name });
      if (outcome.failed > 0) report(`${labelOf(name)}: ${outcome.failed} failed`);
    }
    // Both say what has changed since earlier runs.
    if (names.includes("file_distribution") || names.includes("calls")) {
      if (!(await drain(context.logger, options))) signal.throwIfAborted();
      await context.answers.readChanges();
    }
  }
  return outcomes;
}

async function recordEnd(
  context: BatchContext,
  status: BatchStatus,
  { store, stopping, report }: StagesOptions,
): Promise<void> {
  const finishedAt = status === "interrupted" ? null : new Date();
  const record = (): Promise<void> => store.updateBatchOf(context.run, { status, finishedAt });
  try {
    await (stopping.signal.aborted ? stopping.toTheEnd(record()) : context.persist(record));
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    report((error as Error).message);
  }
}

function conclusion(
  outcomes: readonly (StageOutcome & { name: string })[],
  refused: number,
): Omit<BatchResult, "batchId"> {
  const parts = outcomes.filter(({ failed }) => failed > 0).map(({ name, failed }) => `${failed} failed in ${name}`);
  if (refused > 0) parts.push(`${refused} rows or recordings refused`);
  if (parts.length === 0) return { status: "completed", summary: "All files went through." };
  return { status: "completed_with_errors", summary: `${parts.join(", ")}.` };
}

function labelOf(name: string): string {
  return [...STAGES, ...STEPS].find((stage) => stage.name === name)?.label ?? name;
}
