/** Looks at the batches that alerts are about: the one shown, and those that run. On its own, whether the page is paused, hidden or shows another one. */
import type { Finding, TimelineView } from "@cofi/views/detail/shapes";
import type { Batch, StageSummary } from "@cofi/event-log/events";
import { signal, type ReadonlySignal } from "@preact/signals";
import type { AlertFacts, AlertSettings } from "./alerts.js";
import { ApiError, fetchBatch, getJson, type BatchPage } from "./api.js";

/** Of the batches that run, so many of the newest: each takes requests, and memory of the server. */
export const MOST_RUNNING = 8;
/** The newest of all: among them are those that began and ended between two looks. */
const NEWEST = 30;
const PAUSE_MS = 5_000;
/** What ended so long before the first look is told too: the page was being loaded again. */
const RELOAD_MS = 60_000;

/** What a look saw. */
export interface Seen {
  statuses: ReadonlyMap<number, Batch["status"]>;
  /** The highest id. */
  newest: number;
}

/**
 * Those that have come to their end since the look before.
 * @param seen null: there was none
 * @param since ms since 1970: what ended before is old
 */
export function endedSince(seen: Seen | null, batches: readonly Batch[], since: number): Batch[] {
  return batches.filter((batch) => {
    if (isGoingOn(batch)) return false;
    const before = seen?.statuses.get(batch.id);
    if (before !== undefined) return before !== batch.status;
    return (seen !== null && batch.id > seen.newest) || Date.parse(batch.finishedAt ?? "") >= since;
  });
}

function isGoingOn({ status }: Pick<Batch, "status">): boolean {
  return status === "running" || status === "pending";
}

export class AlertWatch {
  readonly #facts = signal<readonly AlertFacts[]>([]);
  readonly #since: number;
  #seen: Seen | null = null;
  /** Until they have been looked at closely. */
  readonly #ended = new Map<number, Batch>();

  /** @param now the server's time, ms since 1970 */
  constructor(now: number) {
    this.#since = now - RELOAD_MS;
  }

  /** One for each batch that is watched. */
  get facts(): ReadonlySignal<readonly AlertFacts[]> {
    return this.#facts;
  }

  /**
   * Looks again and again how the batches stand, and at each of them closely, one request after the other: a server that
   * takes long with a large batch is not asked more meanwhile, and who failed is told all the same.
   */
  async run(shownId: number | null, settings: () => AlertSettings, stop: AbortSignal): Promise<void> {
    let closely: Promise<void> | null = null;
    while (!stop.aborted) {
      // A look that failed has changed nothing, and is made again; the header says when the server is away.
      await this.#look(shownId, stop).catch(() => undefined);
      closely ??= this.#lookClosely(settings(), stop).finally(() => (closely = null));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #look(shownId: number | null, stop: AbortSignal): Promise<void> {
    const newest = (await getJson<BatchPage>(`api/batches?limit=${NEWEST}`, stop)).batches;
    const running = (await getJson<BatchPage>(`api/batches?status=running&limit=${MOST_RUNNING}`, stop)).batches;
    const batches = new Map([...newest, ...running].map((batch) => [batch.id, batch]));
    for (const id of new Set([...goingOn(this.#seen), ...(shownId === null ? [] : [shownId])])) {
      const batch = batches.get(id) ?? (await existing(id, stop));
      // One that goes on and is not listed any more has made room for newer ones.
      if (batch && (batches.has(id) || id === shownId || !isGoingOn(batch))) batches.set(id, batch);
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

function goingOn(seen: Seen | null): number[] {
  return [...(seen?.statuses ?? [])].flatMap(([id, status]) => (isGoingOn({ status }) ? [id] : []));
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

/** What the thresholds are about. What cannot be had, or not in time, is as if nothing were wrong: the next look asks again. */
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
