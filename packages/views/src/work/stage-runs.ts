/**
 * The one rule of how long a stage was at work. A stage runs more than once when its batch is resumed or some of its files
 * are done again. Its time is the sum of its runs; the pauses between them are no part of it.
 *
 * The first run begins with the first event of the stage. A `stage_start` begins another run when
 *
 *   - a `stage_complete` came after the start before it, or
 *   - it is of a newer run of the batch, or
 *   - nothing was heard of the stage for more than a minute before it: a run that was cut off, by a writer without runs.
 *
 * Any other start is another host that joins. A run ends with its last `stage_complete`. One that was cut off ended with the
 * last event before the next run. A run with one start and one end lasted as long as its end says; the others from their
 * beginning to their end, by the times of the events.
 *
 * Ids say what came before what. Times come from clocks, which may be set: no run lasts less than nothing, or beyond the
 * start of the next one. History is left out before. The fold (`work-fold.ts`) and SQL (`sql-work.ts`) both ask this file.
 */
import type { Work } from "@cofi/event-log/events";

/** An event, by its id and its time in epoch ms. */
export interface Heard {
  id: number;
  at: number;
}

/** The first event of a run, and the run of the batch that logged it. */
export interface Beginning extends Heard {
  run: number | null;
}

/** A start or an end of a stage. */
export interface Bound extends Beginning {
  isStart: boolean;
  /** How long the run took, as its end says. */
  saidMs: number | null;
  /** Of a start: the latest event of the stage before it and before the run of the batch that it belongs to. Needed only where {@link StageRuns.needsBefore} says so. */
  before: Heard | null;
}

/** A run of a stage or of a batch. */
export interface Run extends Beginning {
  /** Epoch ms; null while it is not over. */
  endedAt: number | null;
  /** 0 while it is not over. */
  ms: number;
}

/** A start after this silence is a resumption; an earlier one is the start of another host. */
export const RESUMED_MS = 60_000;

/** A run that is being read: where it began, and its starts and ends so far. */
interface Current {
  from: Beginning;
  end: Bound | null;
  starts: number;
  ends: number;
}

/** The runs of a stage, from its first event that is no info, and its starts and ends, which are added ascending. */
export class StageRuns {
  readonly #first: Beginning;
  readonly #over: Run[] = [];
  #overMs = 0;
  #current: Current;
  /** The newest run of the batch up to here; null while no writer had one. */
  #newest: number | null;
  #previous: Heard & { isStart?: boolean };

  constructor(first: Beginning) {
    this.#first = first;
    this.#current = begun(first);
    this.#newest = first.run;
    this.#previous = first;
  }

  static of(first: Beginning, bounds: readonly Bound[]): StageRuns {
    const runs = new StageRuns(first);
    for (const bound of bounds) runs.add(bound);
    return runs;
  }

  /** Only the last one may not be over. */
  get all(): readonly Run[] {
    const { from, end } = this.#current;
    return [...this.#over, end ? ended(this.#current, null) : { ...from, endedAt: null, ms: 0 }];
  }

  /** The id with which the latest run began; 0 for the first. */
  get latestId(): number {
    return this.#over.length === 0 ? 0 : this.#current.from.id;
  }

  /** The id with which the run began that an event belongs to; 0 for the first. */
  idOf(eventId: number): number {
    if (eventId >= this.#current.from.id) return this.latestId;
    const at = this.#over.findLastIndex(({ id }) => id <= eventId);
    return at <= 0 ? 0 : this.#over[at]!.id;
  }

  /** `last`: the latest event, up to which a run that is not over has been heard of. */
  work(last: Heard | null): Work {
    const { from, end } = this.#current;
    return {
      runs: this.#over.length + 1,
      overMs: this.#overMs + (end ? ended(this.#current, null).ms : 0),
      since: end ? null : new Date(from.at).toISOString(),
      loggedMs: end || !last ? 0 : Math.max(0, last.at - from.at),
    };
  }

  /** Whether a start is of a newer run of the batch than what came before. */
  isNewer({ run }: Pick<Beginning, "run">): boolean {
    return run !== null && this.#newest !== null && run > this.#newest;
  }

  /** Whether the rule asks for the event before this one, which is to be added next. */
  needsBefore(bound: Bound): boolean {
    const previous = this.#previous;
    if (!bound.isStart || bound.id === this.#first.id || previous.isStart === false) return false;
    return this.isNewer(bound) || bound.at - previous.at > RESUMED_MS;
  }

  add(bound: Bound): void {
    if (!bound.isStart) {
      this.#current.end = bound;
      this.#current.ends += 1;
    } else if (this.#isBeginning(bound)) {
      const run = ended(this.#current, bound);
      this.#over.push(run);
      this.#overMs += run.ms;
      this.#current = { ...begun(bound), starts: 1 };
    } else this.#current.starts += 1;
    if (bound.run !== null) this.#newest = Math.max(bound.run, this.#newest ?? bound.run);
    this.#previous = bound;
  }

  #isBeginning(bound: Bound): boolean {
    if (bound.id === this.#first.id) return false;
    if (this.#current.end !== null || this.isNewer(bound)) return true;
    return bound.at - Math.max(this.#previous.at, bound.before?.at ?? -Infinity) > RESUMED_MS;
  }
}

function begun({ id, at, run }: Beginning): Current {
  return { from: { id, at, run }, end: null, starts: 0, ends: 0 };
}

function ended({ from, end, starts, ends }: Current, next: Bound | null): Run {
  const endedAt = endOf(from.at, (end ?? next?.before ?? from).at, next?.at ?? null);
  const saidMs = ends === 1 && starts <= 1 ? (end?.saidMs ?? null) : null;
  return { ...from, endedAt, ms: saidMs ?? endedAt - from.at };
}

/** Not before the start, nor after the start of the next run, where the clocks agree that it came later. */
export function endOf(startedAt: number, lastAt: number, nextAt: number | null): number {
  const end = nextAt !== null && nextAt >= startedAt ? Math.min(lastAt, nextAt) : lastAt;
  return Math.max(startedAt, end);
}
