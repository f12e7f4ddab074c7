/**
 * Retention: what is old enough goes, payloads before events, in small steps beside the writers.
 *
 * - Ages count from the end of a batch. A batch in progress is never touched; one that nobody ended counts as over when no
 *   run holds its lease and its last event is 30 days old.
 * - The clock is the database's, and it is believed only as far as the log bears it out: time continues at most a day beyond
 *   the newest event, and nothing is removed when this host's clock says otherwise or the log comes from the future.
 * - Payloads, responses and transcripts go first; each event keeps how large they were and when they went. Evidence that
 *   proves a trade (extracted trades, answers, results of triage, verdicts and what they rest on) stays as long as the events.
 * - What somebody holds stays until it is released (`held.ts`); where the holds cannot be read, nothing goes.
 * - What is removed cannot be read from the files of an embedded database afterwards. What a server keeps is in the documents.
 *
 * What is known of a host goes as soon as no run uses it and none has left it out: it has no age, since it says nothing any more.
 *
 * What has been done and what is left stands in the database, so a run that is stopped anywhere is finished by the next one.
 */
import { reportUnavailable } from "../../database/database.js";
import type { Database } from "../../database/dialect.js";
import { removeUnusedHosts } from "../hosts/unused-hosts.js";
import { endedBatches, trustedNow, type EndedBatch } from "./ages.js";
import { RetentionLock } from "./lock.js";
import { Patience, StoppedError, type PatienceOptions } from "./patience.js";
import { removeFrom, type Removed } from "./removal.js";
import { eraseTraces } from "./traces.js";
import { countIn, type What } from "./what-goes.js";

export { PruneRefusedError } from "./ages.js";
export { RetentionTakenOverError } from "./lock.js";

export interface PruneOptions extends PatienceOptions {
  /** ms after the end of a batch; null keeps them for ever. */
  keepPayloadsMs: number | null;
  keepEventsMs: number | null;
  /** Says what would go, and touches nothing. */
  dryRun?: boolean;
  /** This host's clock. */
  now?: () => Date;
  /** Called after each batch. */
  onBatch?: ((pruned: PrunedBatch) => void) | undefined;
  /** Called after each batch of which nothing goes, because it is held. */
  onHeld?: ((batch: Pick<EndedBatch, "id" | "name">) => void) | undefined;
  /** Prepares what is to be pruned, while no other process prunes it; before it is decided what is old enough. */
  beforehand?: (() => Promise<void>) | undefined;
  /** Removes what lies outside of the database, while no other process prunes it; after the batches, in their order. */
  elsewhere?: ((pruned: readonly PrunedBatch[]) => Promise<void>) | undefined;
}

export interface PrunedBatch {
  id: number;
  name: string;
  /** ISO 8601. */
  endedAt: string;
  what: What;
  /** Rows of the log that were changed or removed; in a dry run, that would be. */
  events: number;
  /** Rows of results, likewise; transcripts are all that go with payloads. */
  results: number;
  /** Of payloads and responses. */
  bytes: number;
  /** Not all of it is removed, because this run was stopped or the batch continues. */
  unfinished?: true;
  /** What is held of it stays. */
  held?: true;
}

/** How long the right to prune is tried to be given back, also by one who was stopped, while others hold the file. Then it runs out. */
const RELEASE_MS = 5_000;

/**
 * Removes what is older than it is to be kept.
 * @returns what went, by batch; null when another process prunes the database
 * @throws PruneRefusedError when a clock is wrong; RetentionTakenOverError; DatabaseUnavailableError
 */
export async function prune(database: Database, options: PruneOptions): Promise<PrunedBatch[] | null> {
  if (options.dryRun) return rehearse(database, options);
  const patience = new Patience(database, options);
  const pruned: PrunedBatch[] = [];
  // One owner for all attempts: the answer to the one that took the right may be lost.
  const lock = new RetentionLock(database);
  try {
    if (!(await patience.until(() => lock.take()))) return null;
    await options.beforehand?.();
    const { now, due } = await patience.until(() => whatIsDue(database, options));
    for (const { batch, what } of due) {
      const removed = await removeFrom(batch, what, { database, lock, now, patience });
      if (isNothing(what, removed)) {
        if (removed.isHeld) options.onHeld?.(batch);
        continue;
      }
      const one = describe(batch, what, removed);
      pruned.push(one);
      options.onBatch?.(one);
    }
    if (!options.signal?.aborted) await options.elsewhere?.(pruned);
    await removeHosts(database, lock, patience);
    await eraseTraces(database, patience);
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
  } finally {
    await reportUnavailable(database, () => lock.release(), AbortSignal.timeout(RELEASE_MS)).catch((error: Error) =>
      patience.onWaiting(error.message),
    );
  }
  return pruned;
}

/** What is known of hosts that no run uses. @throws RetentionTakenOverError; StoppedError */
async function removeHosts(database: Database, lock: RetentionLock, patience: Patience): Promise<void> {
  let last: string | null = null;
  do {
    const after: string | null = last;
    last = await patience.until(() =>
      database.transaction(async (db) => {
        await lock.hold(db);
        return removeUnusedHosts(database, db, after);
      }),
    );
  } while (last !== null);
}

/** What {@link prune} would remove. */
async function rehearse(database: Database, options: PruneOptions): Promise<PrunedBatch[]> {
  const { due } = await reportUnavailable(database, () => whatIsDue(database, options));
  const would: PrunedBatch[] = [];
  for (const { batch, what } of due) {
    const counted = await reportUnavailable(database, () => countIn(database.kysely, batch, what));
    const removed = { ...counted, isWhole: true };
    if (!isNothing(what, removed)) would.push(describe(batch, what, removed));
    else if (removed.isHeld) options.onHeld?.(batch);
  }
  for (const one of would) options.onBatch?.(one);
  return would;
}

interface Due {
  batch: EndedBatch;
  what: What;
}

/** What is old enough of each batch, and the time by which it is. @throws PruneRefusedError */
async function whatIsDue(database: Database, options: PruneOptions): Promise<{ now: number; due: Due[] }> {
  const now = await trustedNow(database, options.now?.() ?? new Date());
  if (now === null) return { now: 0, due: [] };
  const { keepPayloadsMs, keepEventsMs } = options;
  const due = (await endedBatches(database, now)).flatMap((batch): Due[] => {
    const age = now - batch.endedAt;
    if (keepEventsMs !== null && age > keepEventsMs) return [{ batch, what: "events" }];
    return keepPayloadsMs !== null && age > keepPayloadsMs && batch.hasPayloads ? [{ batch, what: "payloads" }] : [];
  });
  return { now, due };
}

/** A batch that goes as a whole is something, also when it is empty. */
function isNothing(what: What, { events, results, isWhole, isHeld }: Removed): boolean {
  return events === 0 && results === 0 && !(what === "events" && isWhole && !isHeld);
}

function describe(
  { id, name, endedAt }: EndedBatch,
  what: What,
  { isWhole, isHeld, ...counted }: Removed,
): PrunedBatch {
  const one = { id, name, endedAt: new Date(endedAt).toISOString(), what, ...counted };
  return { ...one, ...(!isWhole && { unfinished: true as const }), ...(isHeld && { held: true as const }) };
}
