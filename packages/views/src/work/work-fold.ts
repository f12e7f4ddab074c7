/**
 * Folds the events of a batch into what the rules of its runs and of those of its stages ask for. Events become visible in any
 * order; one that comes too late to be told from what it would have changed makes the batch be folded anew.
 */
import type { LogEvent, Work } from "@cofi/event-log/events";
import type { RunOrder, RunStart } from "@cofi/event-log/run-order";
import { batchRunsOf, batchWorkOf, isAfterSilence, type Mark } from "./batch-runs.js";
import { StageRuns, type Beginning, type Bound, type Heard, type Run } from "./stage-runs.js";

/** No time at work. */
export const NO_WORK: Work = { runs: 0, overMs: 0, since: null, loggedMs: 0 };

/** A duration below nothing is none. */
export function saidMs(durationMs: number | null): number | null {
  return durationMs !== null && durationMs >= 0 ? durationMs : null;
}

/** The runs of one stage, up to the events that were noted. */
export class StageWork {
  #runs: StageRuns | null = null;
  /** Of the latest event, as numbers: there are millions. */
  #lastId = 0;
  #lastAt = 0;
  /** The latest start or end. */
  #bound: Bound | null = null;
  /** The numbered run of the batch that the stage was heard of last in begins at this id; before it, it was heard of last at `#beforeRun`. */
  #runFrom = 0;
  #beforeRun: Heard | null = null;
  /** What was heard below this id has been used. */
  #usedBelow = 0;

  /** Empty before the first event. */
  get runs(): readonly Run[] {
    return this.#runs?.all ?? [];
  }

  get work(): Work {
    return this.#runs?.work(this.#last) ?? NO_WORK;
  }

  get #last(): Heard | null {
    return this.#lastId === 0 ? null : { id: this.#lastId, at: this.#lastAt };
  }

  get latestBound(): Heard | null {
    return this.#bound;
  }

  /** The id with which the latest run began; 0 for the first. */
  get latestRunId(): number {
    return this.#runs?.latestId ?? 0;
  }

  /** The id with which the run began that an event belongs to; 0 for the first. */
  runIdOf(eventId: number): number {
    return this.#runs?.idOf(eventId) ?? 0;
  }

  /**
   * Takes note of an event that is not history. `runFrom`: the id at which the newest numbered run of the batch begins, 0
   * before there is one.
   * @returns false when the event came too late: the batch must be folded anew
   */
  note(event: LogEvent, at: number, runFrom: number): boolean {
    const { id, run, eventType } = event;
    const isBound = eventType === "stage_start" || eventType === "stage_complete";
    const isLate = id < this.#lastId;
    if (isLate && (isBound || id < this.#usedBelow)) return false;
    if (!isLate && runFrom > this.#runFrom && id >= runFrom) {
      this.#runFrom = runFrom;
      this.#beforeRun = this.#last;
      this.#usedBelow = runFrom;
    }
    if (this.#runs === null && eventType !== "info") {
      this.#runs = new StageRuns({ id, at, run });
      this.#usedBelow = id;
    }
    if (isBound && this.#runs) this.#addBound(this.#runs, event, at);
    if (isLate) return true;
    this.#lastId = id;
    this.#lastAt = at;
    return true;
  }

  #addBound(runs: StageRuns, { id, run, eventType, durationMs }: LogEvent, at: number): void {
    const isStart = eventType === "stage_start";
    const bound: Bound = { id, at, run, isStart, saidMs: saidMs(durationMs), before: null };
    if (runs.needsBefore(bound)) {
      bound.before = runs.isNewer(bound) ? this.#beforeRun : this.#last;
      this.#usedBelow = id;
    }
    runs.add(bound);
    this.#bound = bound;
  }
}

/** The runs of a batch and of its stages, up to the events that were noted. */
export class BatchWork {
  readonly #order: RunOrder;
  readonly #stages: ReadonlyMap<string, StageWork>;
  #first: Beginning | null = null;
  #lastId = 0;
  #lastAt = 0;
  readonly #marks: Mark[] = [];
  /** An event that comes late below this id might change where the runs begin. */
  #usedBelow = 0;
  /** The numbered runs that are known. */
  #starts: readonly RunStart[];

  /** `order`: of the same events; each is noted there first. */
  constructor(order: RunOrder, stages: readonly string[]) {
    this.#order = order;
    this.#starts = order.starts;
    this.#stages = new Map(stages.map((name) => [name, new StageWork()]));
  }

  /** @throws RangeError for a stage that is not one of this batch */
  stage(name: string): StageWork {
    const stage = this.#stages.get(name);
    if (!stage) throw new RangeError(`There is no stage ${JSON.stringify(name)}.`);
    return stage;
  }

  /** The last one is not over. */
  get runs(): readonly Run[] {
    const stages = this.#marks.length === 0 ? [] : [...this.#stages];
    return batchRunsOf(this.#first, this.#marks, new Map(stages.map(([name, stage]) => [name, stage.runs])));
  }

  get work(): Work {
    return batchWorkOf(
      this.runs,
      this.#last,
      [...this.#stages.values()].map(({ work }) => work),
    );
  }

  get #last(): Heard | null {
    return this.#lastId === 0 ? null : { id: this.#lastId, at: this.#lastAt };
  }

  /** As {@link StageWork.note}. */
  note(event: LogEvent, at: number): boolean {
    const { id, run } = event;
    const isLate = id < this.#lastId;
    const isRunKnown = this.#beginRun(id, at, isLate);
    const stage = this.#stages.get(event.stage);
    const isPlaced = !stage || this.#noteStage(stage, event, at, isLate);
    if (isLate) return isRunKnown && isPlaced && id > this.#first!.id && id > this.#usedBelow;
    this.#first ??= { id, at, run };
    this.#lastId = id;
    this.#lastAt = at;
    return isRunKnown && isPlaced;
  }

  /** The first event of a numbered run begins a run of the batch, unless it is the first of these. */
  #beginRun(id: number, at: number, isLate: boolean): boolean {
    const { starts } = this.#order;
    const known = this.#starts;
    if (starts === known) return true;
    this.#starts = starts;
    const newest = starts.at(-1)!;
    if (known.length > 0 && !isLate) this.#mark({ id, at, run: newest.run, stage: null, before: this.#last });
    return !isLate;
  }

  /** A writer without runs may begin a stage again, after a silence. */
  #noteStage(stage: StageWork, event: LogEvent, at: number, isLate: boolean): boolean {
    const { id, run } = event;
    const previous = stage.latestBound;
    const isPlaced = stage.note(event, at, this.#starts.at(-1)?.firstId ?? 0);
    if (run !== null || stage.latestRunId !== id) return isPlaced;
    const isMark = isAfterSilence({ id, at }, previous, isLate ? null : this.#last);
    if (isLate) return isPlaced && !isMark;
    if (isMark) this.#mark({ id, at, run, stage: event.stage, before: this.#last });
    this.#usedBelow = id;
    return isPlaced;
  }

  #mark(mark: Mark): void {
    this.#marks.push(mark);
    this.#usedBelow = mark.id;
  }
}
