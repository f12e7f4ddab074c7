/** One run of retention: the database, the spool of this machine, and the recordings on the hosts of the engines. */
import type { Database } from "@cofi/event-log/database";
import { removeSpoolFiles, shipLeftovers } from "@cofi/event-log/event-logger";
import { prune, type PrunedBatch } from "@cofi/event-log/retention";
import { Store } from "@cofi/event-log/store";
import { removeRecordings, type ClearedPlace } from "@cofi/pipeline/remove-recordings";
import { dockerSettings } from "@cofi/pipeline/runtime/docker-settings";
import { pipelineSettings } from "@cofi/pipeline/settings";
import { configuredEngines } from "./engines.js";
import { removeListeningCopies } from "@cofi/dashboard/listening";
import { accessLogOf, listeningDir, spoolDir } from "./environment.js";
import { byThisUser } from "./this-user.js";
import type { Keep } from "./retention.js";

/** How long a host may take to remove the recordings of one batch: a hundred thousand files on a slow disk. */
const HOST_TIMEOUT_MS = 300_000;

export interface PruneAllOptions extends Keep {
  dryRun?: boolean;
  signal: AbortSignal;
  /** What happens, sentence by sentence; without payloads. */
  report: (message: string) => void;
}

export interface PruneOutcome {
  pruned: PrunedBatch[];
  /** What became of recordings, place by place; in a dry run, what would go. */
  places: ClearedPlace[];
}

/**
 * Removes what is old enough, wherever it lies, and what earlier runs could not remove.
 * @returns null when another process prunes the database
 * @throws PruneRefusedError; SettingsError; DatabaseUnavailableError
 */
export async function pruneAll(database: Database, options: PruneAllOptions): Promise<PruneOutcome | null> {
  const { signal, report, dryRun = false, ...keep } = options;
  const store = new Store(database);
  const log = accessLogOf(database);
  const note = (what: string, batchId: number | null = null): Promise<void> =>
    log.add(byThisUser("prune", what, batchId));
  let places: ClearedPlace[] = [];
  const pruned = await prune(database, {
    ...keep,
    dryRun,
    signal,
    onWaiting: report,
    onBatch: (batch) => report(describePruned(batch)),
    onHeld: ({ id, name }) => report(`Batch ${id} (${name}): what is left of it is held, and stays`),
    // What waits in the spool would come into the database after its batch was pruned.
    async beforehand() {
      // What cannot be noted is not removed.
      await note(`${agesInWords(keep)} are to be removed`);
      await clearSpool(store, report);
      await shipLeftovers(spoolDir(), store, ({ message }) => report(message), signal);
    },
    async elsewhere() {
      await clearSpool(store, report);
      await clearListening(store, report);
      places = await clearHosts(store, signal);
      for (const place of places) for (const sentence of describePlace(place)) report(sentence);
    },
  });
  if (pruned === null) return null;
  // Without the name, which is removed with the batch and would stay here.
  if (!dryRun) for (const batch of pruned) await note(`batch ${batch.id}${whatWasPruned(batch)}`, batch.id);
  if (dryRun) {
    places = await wouldBeCleared(store, pruned);
    for (const { description, removed, held } of places) {
      if (removed.length > 0) report(`Recordings of ${batches(removed)} would be removed from ${description}`);
      if (held.length > 0)
        report(`Recordings of ${batches(held)} that nobody holds would be removed from ${description}`);
    }
  }
  return { pruned, places };
}

async function clearSpool(store: Store, report: (message: string) => void): Promise<void> {
  const { files, inUse } = await removeSpoolFiles(spoolDir(), (batchId) => store.removedBatch(batchId));
  if (files > 0) report(`${files === 1 ? "1 file" : `${files} files`} of removed batches removed from the spool`);
  for (const path of inUse) report(`${path} is in use by another process and is removed by the next run`);
}

async function clearListening(store: Store, report: (message: string) => void): Promise<void> {
  const batchIds = await removeListeningCopies(listeningDir(), store);
  if (batchIds.length > 0) report(`Copies for listening of ${batches(batchIds)} removed from ${listeningDir()}`);
}

async function clearHosts(store: Store, signal: AbortSignal): Promise<ClearedPlace[]> {
  const [settings, docker] = [pipelineSettings(process.env), dockerSettings(process.env)];
  const engines = configuredEngines(settings, docker, HOST_TIMEOUT_MS, store, null);
  try {
    return await removeRecordings({ store, keepers: engines.keepers, client: engines.client, signal });
  } finally {
    await engines.close();
  }
}

async function wouldBeCleared(store: Store, pruned: readonly PrunedBatch[]): Promise<ClearedPlace[]> {
  const places = new Map<string, ClearedPlace>();
  for (const { place, description, batchId, keep } of await store.filesToRemove(pruned.map(({ id }) => id))) {
    const cleared = places.get(place) ?? { description, removed: [], held: [], kept: [], reason: null };
    (keep.length === 0 ? cleared.removed : cleared.held).push(batchId);
    places.set(place, cleared);
  }
  return [...places.values()];
}

function agesInWords({ keepPayloadsMs, keepEventsMs }: Keep): string {
  const days = (ms: number): string => `older than ${Math.round(ms / 86_400_000)} days`;
  return [
    ...(keepPayloadsMs === null ? [] : [`payloads ${days(keepPayloadsMs)}`]),
    ...(keepEventsMs === null ? [] : [`events ${days(keepEventsMs)}`]),
  ].join(" and ");
}

/** `Batch 7 (night), ended 2026-01-02: payloads of 12,345 events and 310 transcripts, 61.7 MB`. */
function describePruned(batch: PrunedBatch): string {
  return `Batch ${batch.id} (${batch.name})${whatWasPruned(batch)}`;
}

function whatWasPruned({ endedAt, what, events, results, bytes, unfinished, held }: PrunedBatch): string {
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  const gone = [
    `${what === "payloads" ? "payloads of " : ""}${counted(events, "event")}`,
    ...(what === "payloads" && results > 0 ? [counted(results, "transcript")] : []),
    ...(what === "events" ? [unfinished || held ? counted(results, "result") : "all results"] : []),
  ];
  const rest = `${unfinished ? "; not all of it yet" : ""}${held ? "; what is held stays" : ""}`;
  return `, ended ${endedAt.slice(0, 10)}: ${gone.join(" and ")}, ${size}${rest}`;
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

function describePlace({ description, removed, held, kept, reason }: ClearedPlace): string[] {
  return [
    ...(removed.length > 0 ? [`Recordings of ${batches(removed)} removed from ${description}`] : []),
    ...(held.length > 0 ? [`Recordings of ${batches(held)} that nobody holds removed from ${description}`] : []),
    ...(kept.length > 0
      ? [
          `Recordings of ${batches(kept)} are still in ${description}, and the next run tries again. ${reason ?? ""}`.trim(),
        ]
      : []),
  ];
}

/** `batch 7`, `batches 7, 8 and 9`. */
function batches(ids: readonly number[]): string {
  return ids.length === 1 ? `batch ${ids[0]}` : `batches ${ids.slice(0, -1).join(", ")} and ${ids.at(-1)}`;
}
