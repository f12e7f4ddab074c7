/** Units that wait for their first attempt: those of each host, and those of none, the heaviest first. */
import { RankSet } from "./rank-set.js";

/** The units of one host that wait. */
interface Waiting {
  readonly ranks: RankSet;
  size: number;
  /** Sum of their weights. */
  left: number;
}

export class Pending {
  /** How many wait. */
  size = 0;
  readonly #weights: Float64Array;
  /** The units by falling weight, and where each stands there. */
  readonly #byWeight: Uint32Array;
  readonly #rankOf: Uint32Array;
  /** By host; at 0 those of no host. */
  readonly #lists: (Waiting | undefined)[] = [];
  /** For each unit that waits, the place of its list; else -1. */
  readonly #listOf: Int32Array;

  /** `weights`: of all units that may wait one day. */
  constructor(weights: Float64Array) {
    this.#weights = weights;
    this.#byWeight = Uint32Array.from(weights, (_, unit) => unit).toSorted(
      (a, b) => weights[b]! - weights[a]! || a - b,
    );
    this.#rankOf = new Uint32Array(weights.length);
    this.#byWeight.forEach((unit, rank) => (this.#rankOf[unit] = rank));
    this.#listOf = new Int32Array(weights.length).fill(-1);
  }

  /** The unit waits from now on. `host`: on which it is best done, or -1. */
  add(unit: number, host: number): void {
    const list = (this.#lists[host + 1] ??= { ranks: new RankSet(this.#weights.length), size: 0, left: 0 });
    list.ranks.add(this.#rankOf[unit]!);
    list.size += 1;
    list.left += this.#weights[unit]!;
    this.#listOf[unit] = host + 1;
    this.size += 1;
  }

  /** @returns false when it does not wait */
  remove(unit: number): boolean {
    const place = this.#listOf[unit]!;
    const list = this.#lists[place];
    if (!list) return false;
    list.ranks.delete(this.#rankOf[unit]!);
    list.size -= 1;
    // Sums of fractions drift: an empty list has nothing left, and any other more than nothing.
    list.left = list.size === 0 ? 0 : Math.max(Number.MIN_VALUE, list.left - this.#weights[unit]!);
    this.#listOf[unit] = -1;
    this.size -= 1;
    return true;
  }

  /** Sum of the weights of all that wait. */
  get left(): number {
    return this.#lists.reduce((sum, list) => sum + (list?.left ?? 0), 0);
  }

  leftOf(host: number): number {
    return this.#lists[host + 1]?.left ?? 0;
  }

  /** Takes the heaviest of this host's own, or of those without a host, up to the weight `most`. @returns null when there is none */
  takeOwn(host: number, most: number): number | null {
    return this.#take(this.#heaviest(host, most) ?? this.#heaviest(-1, most));
  }

  /** Takes the heaviest of the other host that has most left, where `allows` lets it go. @returns null when there is none */
  takeFromOther(host: number, most: number, allows: (owner: number, weight: number) => boolean): number | null {
    const owners = this.#lists
      .map((list, place) => ({ owner: place - 1, left: list?.left ?? 0 }))
      .filter(({ owner, left }) => owner !== host && owner >= 0 && left > 0)
      .toSorted((a, b) => b.left - a.left);
    for (const { owner } of owners) {
      const unit = this.#heaviest(owner, most);
      if (unit !== null && allows(owner, this.#weights[unit]!)) return this.#take(unit);
    }
    return null;
  }

  #heaviest(host: number, most: number): number | null {
    const rank = this.#lists[host + 1]?.ranks.nextFrom(this.#firstUpTo(most)) ?? -1;
    return rank === -1 ? null : this.#byWeight[rank]!;
  }

  /** The first rank whose weight is not above `most`. */
  #firstUpTo(most: number): number {
    if (most === Number.POSITIVE_INFINITY) return 0;
    let low = 0;
    let high = this.#byWeight.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#weights[this.#byWeight[middle]!]! > most) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #take(unit: number | null): number | null {
    if (unit !== null) this.remove(unit);
    return unit;
  }
}
