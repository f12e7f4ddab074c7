/** A set of whole numbers below a bound, in which the next one at or after any place is found in a few steps. */

const BITS = 32;

export class RankSet {
  /** A bit for each number; above it, a bit for each word below that is not empty; and so on, up to a single word. */
  readonly #levels: Uint32Array[] = [];

  /** For numbers from 0 to `bound` - 1. */
  constructor(bound: number) {
    let words = bound;
    do {
      words = Math.max(1, Math.ceil(words / BITS));
      this.#levels.push(new Uint32Array(words));
    } while (words > 1);
  }

  add(rank: number): void {
    let place = rank;
    for (const level of this.#levels) {
      level[place >>> 5]! |= 1 << (place & 31);
      place >>>= 5;
    }
  }

  delete(rank: number): void {
    let place = rank;
    for (const level of this.#levels) {
      const word = place >>> 5;
      level[word]! &= ~(1 << (place & 31));
      if (level[word] !== 0) return;
      place = word;
    }
  }

  has(rank: number): boolean {
    return (this.#levels[0]![rank >>> 5]! & (1 << (rank & 31))) !== 0;
  }

  /** The least number of the set that is not below `from`; -1 when there is none. */
  nextFrom(from: number): number {
    let place = from;
    for (let depth = 0; depth < this.#levels.length; depth++) {
      const level = this.#levels[depth]!;
      const word = place >>> 5;
      if (word >= level.length) return -1;
      const rest = level[word]! & (~0 << (place & 31));
      if (rest !== 0) return this.#leastBelow(depth, word * BITS + lowest(rest));
      // The next word of this level that is not empty: the level above knows it.
      place = word + 1;
    }
    return -1;
  }

  #leastBelow(depth: number, place: number): number {
    let found = place;
    for (let level = depth - 1; level >= 0; level--) found = found * BITS + lowest(this.#levels[level]![found]!);
    return found;
  }
}

/** The place of the lowest bit that is set. */
function lowest(word: number): number {
  return 31 - Math.clz32(word & -word);
}
