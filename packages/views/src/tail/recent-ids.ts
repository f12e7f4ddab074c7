/**
 * Which of the latest ids were seen, in chunks of ids. Where ids are given out in steps, most ids between them never come, and
 * a few may: of a node that begins to write, or that others have overtaken. So such chunks are counted again and again
 * until they are older than the longest transaction, ever less often: a late event changes the count. Pure: the caller brings
 * the clock.
 */
import { WIDE, type IdRange } from "./holes.js";

/** Ids of a chunk, as a power of two. */
export const CHUNK_BITS = 10;
export const CHUNK = 2 ** CHUNK_BITS;
/** A chunk is counted again after half its age, within these bounds in ms. */
const PAUSE_MS = { least: 100, most: 5_000 };
/** Chunks that are counted at once, and of these the newest that are counted even if it is not their turn. */
const AT_ONCE = 32;
const ALWAYS = 4;

interface Chunk {
  readonly bits: Uint32Array;
  /** Rows that the database is known to have of it. */
  rows: number;
  /** Ids are missing that nobody asks for one by one. */
  isCounted: boolean;
  /** Of the latest gap in it, or of its first id. */
  seenAt: number;
  countedAt: number;
}

export class RecentIds {
  /** By the number of the chunk; and the numbers, ascending. */
  readonly #chunks = new Map<number, Chunk>();
  #numbers: number[] = [];

  /** An event was read, in whatever order. */
  add(id: number, now: number): void {
    const number = Math.floor(id / CHUNK);
    let chunk = this.#chunks.get(number);
    if (!chunk) {
      chunk = { bits: new Uint32Array(CHUNK / 32), rows: 0, isCounted: false, seenAt: now, countedAt: now };
      this.#chunks.set(number, chunk);
      this.#numbers.splice(this.#numbers.findLastIndex((other) => other < number) + 1, 0, number);
    }
    if (has(chunk.bits, id % CHUNK)) return;
    chunk.bits[(id % CHUNK) >> 5]! |= 1 << (id & 31);
    chunk.rows += 1;
  }

  has(id: number): boolean {
    const chunk = this.#chunks.get(Math.floor(id / CHUNK));
    return chunk !== undefined && has(chunk.bits, id % CHUNK);
  }

  /** So many of the highest ids that were seen, ascending. */
  latest(count: number): number[] {
    const ids: number[] = [];
    for (let at = this.#numbers.length - 1; at >= 0 && ids.length < count; at--) {
      const number = this.#numbers[at]!;
      const { bits } = this.#chunks.get(number)!;
      for (let place = CHUNK - 1; place >= 0 && ids.length < count; place--)
        if (has(bits, place)) ids.push(number * CHUNK + place);
    }
    return ids.toReversed();
  }

  /** The nearest ids that were seen below and above one, among so many on each side. */
  around(id: number, reach: number): { before: number | undefined; after: number | undefined } {
    let [before, after]: (number | undefined)[] = [];
    for (let away = 1; away <= reach && (before === undefined || after === undefined); away++) {
      if (before === undefined && this.has(id - away)) before = id - away;
      if (after === undefined && this.has(id + away)) after = id + away;
    }
    return { before, after };
  }

  /** From now on the chunks of these ids are counted. */
  count({ from, to }: IdRange, now: number): void {
    for (let at = this.#numbers.length - 1; at >= 0 && this.#numbers[at]! >= Math.floor(from / CHUNK); at--) {
      const number = this.#numbers[at]!;
      const chunk = this.#chunks.get(number)!;
      if (number > Math.floor(to / CHUNK)) continue;
      chunk.isCounted = true;
      chunk.seenAt = now;
    }
  }

  /** The ids of chunks whose turn it is, as few ranges as possible. @param all also the newest, whose turn it may not be */
  due(now: number, all: boolean): IdRange[] {
    const ranges: { from: number; to: number }[] = [];
    let [counted, chosen] = [0, 0];
    for (let at = this.#numbers.length - 1; at >= 0 && chosen < AT_ONCE; at--) {
      const number = this.#numbers[at]!;
      const { isCounted, seenAt, countedAt } = this.#chunks.get(number)!;
      if (!isCounted) continue;
      counted += 1;
      const pause = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, (countedAt - seenAt) / 2));
      if (now - countedAt < pause && !(all && counted <= ALWAYS)) continue;
      chosen += 1;
      const from = number * CHUNK;
      const above = ranges.at(-1);
      if (above?.from === from + CHUNK) above.from = from;
      else ranges.push({ from, to: from + CHUNK - 1 });
    }
    return ranges;
  }

  /** Takes the counts of the chunks in the range, by their number. @returns the ids of those that hold others than were seen */
  compare({ from, to }: IdRange, counts: ReadonlyMap<number, number>, now: number): IdRange[] {
    const different: IdRange[] = [];
    for (let number = Math.floor(from / CHUNK); number <= Math.floor(to / CHUNK); number++) {
      const chunk = this.#chunks.get(number);
      if (!chunk) continue;
      chunk.countedAt = now;
      const rows = counts.get(number) ?? 0;
      if (rows !== chunk.rows) different.push({ from: number * CHUNK, to: (number + 1) * CHUNK - 1 });
      // Fewer: retention, or somebody else, has removed some.
      chunk.rows = Math.min(rows, chunk.rows);
    }
    return different;
  }

  /**
   * Forgets chunks that are older than the longest transaction, those that are counted not before a count after that.
   * @param lowestMissing the lowest id that is asked for by itself: the ids around it tell whether it is one that may come
   */
  expire(longestTransactionMs: number, now: number, lowestMissing: number | undefined): void {
    const newest = this.#numbers.at(-1);
    const lowestInUse = Math.floor(((lowestMissing ?? Infinity) - WIDE) / CHUNK);
    this.#numbers = this.#numbers.filter((number) => {
      const { isCounted, seenAt, countedAt } = this.#chunks.get(number)!;
      // The next id may belong to the newest, which must then know all that came before.
      const isOver =
        number !== newest && number < lowestInUse && (isCounted ? countedAt : now) - seenAt >= longestTransactionMs;
      if (isOver) this.#chunks.delete(number);
      return !isOver;
    });
  }

  /** A copy that answers for this moment: whether an event with this id may still turn up in a count. */
  mayTurnUp(): (id: number) => boolean {
    const counted = [...this.#chunks].flatMap(([number, { isCounted, bits }]) =>
      isCounted ? [[number, bits.slice()] as const] : [],
    );
    const chunks = new Map(counted);
    return (id) => {
      const bits = chunks.get(Math.floor(id / CHUNK));
      return bits !== undefined && !has(bits, id % CHUNK);
    };
  }
}

function has(bits: Uint32Array, place: number): boolean {
  return (((bits[place >> 5] ?? 0) >>> (place & 31)) & 1) === 1;
}
