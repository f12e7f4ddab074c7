/**
 * Reads the events of the log as they become visible, each once. Ids do not become visible in the order in which they were
 * given out, so ids that are missing below the highest one are queried again, until they are older than a transaction may be.
 */
import type { LogEvent } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { Holes, WIDE, type IdRange } from "./holes.js";
import { IdSteps, LOOKED_AT } from "./id-steps.js";
import type { TailLogger } from "./listener.js";
import { readLogEnd, type LogEnd } from "./log-end.js";
import { CHUNK, CHUNK_BITS, RecentIds } from "./recent-ids.js";

export const PAGE = 1_000;
/** Missing ids asked for by number in one poll. */
const IDS_PER_POLL = WIDE;

export interface LogCursorOptions {
  /** ms after which nobody waits for a missing id any more. */
  longestTransactionMs: number;
  logger: TailLogger;
  /** Puts a query under the deadline of the tail. */
  ask: <T>(query: Promise<T>) => Promise<T>;
}

export class LogCursor {
  readonly #store: Store;
  readonly #options: LogCursorOptions;
  #holes = new Holes();
  #recent = new RecentIds();
  #steps = new IdSteps();
  #highest = -1;
  #hasWarned = false;

  constructor(store: Store, options: LogCursorOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Highest id seen; -1 before {@link begin}. */
  get highest(): number {
    return this.#highest;
  }

  /**
   * Highest id below every open hole: every event up to it has been passed on. Where several nodes give out ids, one of them may
   * still commit an id that another one has overtaken; nobody waits for it, and it is passed on when it comes.
   */
  get lowWater(): number {
    return Math.max(0, (this.#holes.lowest ?? this.#highest + 1) - 1);
  }

  get openHoles(): number {
    return this.#holes.size;
  }

  /** A copy that answers for this moment: whether an event below the highest may still be passed on. */
  mayStillCome(): (id: number) => boolean {
    const holes = this.#holes.ranges();
    const mayTurnUp = this.#recent.mayTurnUp();
    return (id) => inRanges(holes, id) || mayTurnUp(id);
  }

  /** Forgets everything, because the log is another one. */
  reset(): void {
    this.#holes = new Holes();
    this.#recent = new RecentIds();
    this.#steps = new IdSteps();
    this.#highest = -1;
  }

  /** Where the log ends: for {@link begin}. @throws DatabaseUnavailableError */
  end(): Promise<LogEnd> {
    const { ask, longestTransactionMs } = this.#options;
    return readLogEnd(this.#store, longestTransactionMs, ask);
  }

  /** Goes to the end of the log. */
  begin({ highest, ids, before }: LogEnd): void {
    this.reset();
    this.#highest = before;
    this.#passOver(ids);
    this.#highest = highest;
  }

  /** The next events, ascending; {@link take} them before anything else. @throws DatabaseUnavailableError */
  next(): Promise<LogEvent[]> {
    return this.#options.ask(this.#store.eventsAfter(this.#highest, PAGE));
  }

  /** Goes on behind events that {@link next} has given. */
  take(events: readonly LogEvent[]): void {
    this.#passOver(events.map(({ id }) => id));
  }

  /**
   * Looks for events that have become visible late.
   * @param all also where it is not their turn
   * @param pass gets the events of each answer, in the same turn in which they stop being missing
   * @throws DatabaseUnavailableError
   */
  async askForMissing(all: boolean, pass: (events: LogEvent[]) => void): Promise<void> {
    if (this.#holes.size > 0) await this.#askForHoles(all, pass);
    await this.#countRecent(all, pass);
  }

  #passOver(ids: readonly number[]): void {
    const now = performance.now();
    const before = this.#highest;
    const { step, since } = this.#steps;
    for (const id of ids) {
      this.#recent.add(id, now);
      for (const { from, to } of this.#steps.holesBetween(this.#highest, id)) this.#holes.open(from, to, now);
      if (step > 1 && id > this.#highest + 1) this.#recent.count({ from: this.#highest + 1, to: id - 1 }, now);
      this.#highest = id;
    }
    const hasGaps = this.#highest - before > ids.length;
    if (!hasGaps && step === 1) return;
    this.#steps.learn(this.#recent.latest(LOOKED_AT));
    // What was taken for holes before this step was known.
    if (step !== this.#steps.step) this.#judgeAgain({ from: since, to: this.#highest }, now);
  }

  /** Gives up holes that are none by what is known now; they are counted from now on. */
  #judgeAgain(range: IdRange, now: number): void {
    if (this.#steps.step === 1) return;
    this.#holes.narrow(range, (id) => {
      const { before, after } = this.#recent.around(id, WIDE);
      if (before === undefined || after === undefined) return before !== undefined;
      return this.#steps.holesBetween(before, after).some(({ from, to }) => from <= id && id <= to);
    });
    this.#recent.count(range, now);
  }

  async #askForHoles(all: boolean, pass: (events: LogEvent[]) => void): Promise<void> {
    const { ask, logger, longestTransactionMs } = this.#options;
    const now = performance.now();
    const due = this.#holes.due(now, IDS_PER_POLL, all);
    const narrow = due.filter(({ from, to }) => to - from < WIDE);
    const ids = narrow.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
    const found = ids.length > 0 ? await ask(this.#store.eventsByIds(ids)) : [];
    this.#found(found, narrow, now, pass);
    for (const range of due) {
      if (range.to - range.from < WIDE) continue;
      const inside = await ask(this.#store.eventsBetween(range.from, range.to, PAGE));
      const asked = inside.length < PAGE ? range : { from: range.from, to: inside.at(-1)!.id };
      this.#found(inside, [asked], now, pass);
    }
    const early = this.#holes.expire(longestTransactionMs);
    if (early === 0 || this.#hasWarned) return;
    // Once: it may be so from now on.
    this.#hasWarned = true;
    logger.warn({ ids: early }, "too many missing event ids: the oldest are given up before their time");
  }

  #found(
    events: readonly LogEvent[],
    asked: readonly IdRange[],
    now: number,
    pass: (events: LogEvent[]) => void,
  ): void {
    const fresh = events.filter(({ id }) => this.#holes.fill(id));
    for (const range of asked) this.#holes.asked(range, now);
    this.#passLate(fresh, now, pass);
  }

  #passLate(events: LogEvent[], now: number, pass: (events: LogEvent[]) => void): void {
    const [first, last] = [events[0], events.at(-1)];
    if (!first || !last) return;
    for (const { id } of events) this.#recent.add(id, now);
    // Ids between these and their neighbours may turn out to be none that are given out.
    this.#judgeAgain({ from: first.id - WIDE, to: last.id + WIDE }, now);
    pass(events);
  }

  async #countRecent(all: boolean, pass: (events: LogEvent[]) => void): Promise<void> {
    const { ask, longestTransactionMs } = this.#options;
    const now = performance.now();
    for (const { from, to } of this.#recent.due(now, all)) {
      const range = { from, to: Math.min(to, this.#highest) };
      const counts = await ask(this.#store.countIds(range.from, range.to, CHUNK_BITS));
      for (const chunk of this.#recent.compare(range, counts, now)) {
        const ids = await ask(this.#store.idsAfter(chunk.from - 1, CHUNK));
        const late = ids.filter((id) => id <= Math.min(chunk.to, this.#highest) && !this.#recent.has(id));
        const events = await ask(this.#store.eventsByIds(late));
        for (const { id } of events) this.#holes.fill(id);
        this.#passLate(events, now, pass);
      }
    }
    this.#recent.expire(longestTransactionMs, now, this.#holes.lowest);
  }
}

function inRanges(ranges: readonly IdRange[], id: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]!.to < id) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range.from <= id;
}
