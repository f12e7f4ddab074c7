/** Polls the batches that alerts are about: the shown one and those that run. It works while the page is paused or hidden, too. */
import type { Finding, TimelineView } from "@cofi/views/detail/shapes";
import type { Batch, StageSummary } from "@cofi/event-log/events";
import { signal, type ReadonlySignal } from "@preact/signals";
import type { AlertFacts, AlertSettings } from "./alerts.js";
import { ApiError, fetchBatch, getJson, type BatchPage } from "../feed/api.js";

/** Running batches that are watched, the newest first: each costs requests, and memory of the server. */
export const MOST_RUNNING = 8;
/** Newest batches that each poll reads: they include those that began and ended between two polls. */
const NEWEST = 30;
const PAUSE_MS = 5_000;
/** A batch that ended this shortly before the first poll is reported, too: the page may have been reloading. */
const RELOAD_MS = 60_000;

/** The result of a poll. */
export interface Seen {
  statuses: ReadonlyMap<number, Batch["status"]>;
  /** The highest batch id. */
  newest: number;
}

/**
 * Returns the batches that ended since the previous poll.
 * @param seen null: there was no previous poll
 * @param since ms since 1970: batches that ended before are ignored
 */
export function endedSince(seen: Seen | null, batches: readonly Batch[], since: number): Batch[] {
  return batches.filter((batch) => {
    if (isUnfinished(batch)) return false;
    const before = seen?.statuses.get(batch.id);
    if (before !== undefined) return before !== batch.status;
    return (seen !== null && batch.id > seen.newest) || Date.parse(batch.finishedAt ?? "") >= since;
  });
}

function isUnfinished({ status }: Pick<Batch, "status">): boolean {
  return status === "running" || status === "pending";
}

export class AlertWatch {
  readonly #facts = signal<readonly AlertFacts[]>([]);
  readonly #since: number;
  #seen: Seen | null = null;
  /** Batches that have ended and whose details have not been read since. */
  readonly #ended = new Map<number, Batch>();

  /** @param now the server's time, ms since 1970 */
  constructor(now: number) {
    this.#since = now - RELOAD_MS;
  }

  /** The facts of each watched batch. */
  get facts(): ReadonlySignal<readonly AlertFacts[]> {
    return this.#facts;
  }

  /**
   * Polls the states of all batches, and beside that the details of each, one request after the other. So a server that is
   * slow with a large batch gets no more requests meanwhile, and failed batches are reported all the same.
   */
  async run(shownId: number | null, settings: () => AlertSettings, stop: AbortSignal): Promise<void> {
    let closely: Promise<void> | null = null;
    while (!stop.aborted) {
      // A failed poll changes nothing and is repeated; the header shows that the server is away.
      await this.#look(shownId, stop).catch(() => undefined);
      closely ??= this.#lookClosely(settings(), stop).finally(() => (closely = null));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #look(shownId: number | null, stop: AbortSignal): Promise<void> {
    const newest = (await getJson<BatchPage>(`api/batches?limit=${NEWEST}`, stop)).batches;
    const running = (await getJson<BatchPage>(`api/batches?status=running&limit=${MOST_RUNNING}`, stop)).batches;
    const batches = new Map([...newest, ...running].map((batch) => [batch.id, batch]));
    for (const id of new Set([...unfinished(this.#seen), ...(shownId === null ? [] : [shownId])])) {
      const batch = batches.get(id) ?? (await existing(id, stop));
      // A batch that continues but is not listed any more has made room for newer ones.
      if (batch && (batches.has(id) || id === shownId || !isUnfinished(batch))) batches.set(id, batch);
    }
    const all = [...batches.values()];
    for (const batch of endedSince(this.#seen, all, this.#since)) this.#ended.set(batch.id, batch);
    this.#seen = {
      statuses: new Map(all.map(({ id, status }) => [id, status])),
      newest: Math.max(this.#seen?.newest ?? 0, ...batches.keys()),
    };
    const shown = shownId === null ? undefined : batches.get(shownId);
    const watched = [...this.#ended.values(), ...(shown ? [shown] : []), ...running];
    const known = new Map(this.#facts.peek().map((facts) => [facts.batch.id, facts]));
    this.#facts.value = [...new Map(watched.map((batch) => [batch.id, batch])).values()].map((batch) => ({
      ...(known.get(batch.id) ?? NOTHING),
      batch,
    }));
  }

  async #lookClosely(settings: AlertSettings, stop: AbortSignal): Promise<void> {
    for (const { batch } of this.#facts.peek()) {
      const detail = await detailOf(batch, { ...settings, hasJustEnded: this.#ended.has(batch.id) }, stop);
      if (stop.aborted) return;
      this.#ended.delete(batch.id);
      this.#facts.value = this.#facts
        .peek()
        .map((facts) => (facts.batch.id === batch.id ? { ...detail, batch: facts.batch } : facts));
    }
  }
}

function unfinished(seen: Seen | null): number[] {
  return [...(seen?.statuses ?? [])].flatMap(([id, status]) => (isUnfinished({ status }) ? [id] : []));
}

async function existing(id: number, stop: AbortSignal): Promise<Batch | null> {
  try {
    return await fetchBatch(id, stop);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

const NOTHING = { done: 0, failed: 0, findings: [], timeline: null };

/** Reads the figures that the thresholds need. A figure that cannot be read counts as fine until the next poll reads it. */
async function detailOf(
  batch: Batch,
  { errorPercent, onStall, onTrouble, finishBy, hasJustEnded }: AlertSettings & { hasJustEnded: boolean },
  stop: AbortSignal,
): Promise<Omit<AlertFacts, "batch">> {
  const ask = async <T>(name: string, isWanted: boolean): Promise<T | null> =>
    isWanted ? getJson<T>(`api/batch/${batch.id}/${name}`, stop).catch(() => null) : null;
  const runs = batch.status === "running";
  const stats = await ask<{ stages: StageSummary[] }>("stats", errorPercent !== null);
  const findings = await ask<{ findings: Finding[] }>(
    "findings",
    (runs && onStall) || ((runs || hasJustEnded) && onTrouble),
  );
  const timeline = await ask<TimelineView>("timeline", runs && finishBy !== null);
  const sumOf = (name: "done" | "failed"): number => (stats?.stages ?? []).reduce((sum, stage) => sum + stage[name], 0);
  return { done: sumOf("done"), failed: sumOf("failed"), findings: findings?.findings ?? [], timeline };
}
