/**
 * The one rule for "latest" when a batch was run more than once.
 *
 * A run has a number that only grows. An event of a run is *history* when a lower id of its batch belongs to a newer run:
 * it arrived after that run had begun, left in a spool by a crash, or logged by a run that had lost its lease. History is
 * shown in the journey of a file and changes nothing else. A row without a run (another service's) is never history.
 *
 * Among the events that are not history the runs never go down with the ids. So the latest of them by (run, id) is simply
 * the one with the highest id, and rows without a run stand at their place by id. `store/run-filter.ts` says the same in SQL.
 */

/** The first event of a run in the log of its batch. */
export interface RunStart {
  run: number;
  firstId: number;
}

/** The runs of one batch as far as its events show them. */
export class RunOrder {
  /** Ascending by run and by first id alike: a run that begins above a newer one is history as a whole. */
  #starts: RunStart[] = [];
  /** Of each run, the highest id that was noted and was not history then. */
  readonly #lastIds = new Map<number, number>();

  constructor(starts: readonly RunStart[] = []) {
    for (const { run, firstId } of starts) if (!this.isHistory(run, firstId)) this.#begin(run, firstId);
  }

  /** The first event of each run that is not history as a whole; ascending. */
  get starts(): readonly RunStart[] {
    return this.#starts;
  }

  isHistory(run: number | null, id: number): boolean {
    const newest = this.#starts.at(-1);
    if (run === null || newest === undefined || run >= newest.run) return false;
    return this.#starts.some((newer) => newer.run > run && newer.firstId < id);
  }

  /**
   * Takes note of an event; ids may come in any order.
   * @returns true when events that were noted before have become history by it: whoever has counted them counts anew
   */
  note(run: number | null, id: number): boolean {
    if (run === null || this.isHistory(run, id)) return false;
    this.#lastIds.set(run, Math.max(id, this.#lastIds.get(run) ?? 0));
    const newest = this.#starts.at(-1);
    const known = newest?.run === run ? newest : this.#starts.find((start) => start.run === run);
    if (known && known.firstId <= id) return false;
    this.#begin(run, id);
    return [...this.#lastIds].some(([older, lastId]) => older < run && lastId > id);
  }

  #begin(run: number, firstId: number): void {
    const others = this.#starts.filter((start) => start.run !== run && !(start.run < run && start.firstId > firstId));
    this.#starts = [...others, { run, firstId }].toSorted((a, b) => a.run - b.run);
  }
}
