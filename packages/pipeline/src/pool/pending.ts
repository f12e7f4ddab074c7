/** Units that wait for their first attempt: those of each host, and those of none, the heaviest first. */

/** One list of units by falling weight, of which some have been taken. */
class Falling {
  /** Sum of the weights of those that wait. */
  left = 0;
  readonly #units: readonly number[];
  readonly #weights: Float64Array;
  /** For each place, a place at or after it from where to look for one that waits: a forest that grows flat as it is used. */
  readonly #skip: Uint32Array;

  constructor(units: readonly number[], weights: Float64Array) {
    this.#units = units;
    this.#weights = weights;
    this.#skip = Uint32Array.from({ length: units.length + 1 }, (_, place) => place);
    for (const unit of units) this.left += weights[unit]!;
  }

  /** Place of the heaviest that waits and weighs no more than `most`; null when there is none. */
  heaviest(most: number): number | null {
    let low = 0;
    let high = this.#units.length;
    if (this.#weightAt(low) > most)
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.#weightAt(middle) > most) low = middle + 1;
        else high = middle;
      }
    const place = this.#nextWaiting(low);
    return place < this.#units.length ? place : null;
  }

  unitAt(place: number): number {
    return this.#units[place]!;
  }

  take(place: number): number {
    this.#skip[place] = place + 1;
    const unit = this.unitAt(place);
    this.left = Math.max(0, this.left - this.#weights[unit]!);
    return unit;
  }

  #weightAt(place: number): number {
    const unit = this.#units[place];
    return unit === undefined ? 0 : this.#weights[unit]!;
  }

  #nextWaiting(from: number): number {
    let place = from;
    while (this.#skip[place] !== place) {
      const further = this.#skip[place]!;
      this.#skip[place] = this.#skip[further]!;
      place = further;
    }
    return place;
  }
}

export class Pending {
  /** How many wait. */
  size: number;
  readonly #weights: Float64Array;
  /** By host, in the order of the hosts. */
  readonly #own: Falling[];
  readonly #others: Falling;

  /** `prefers`: for each unit the host that it is best done on, or -1. */
  constructor(weights: Float64Array, prefers: Int32Array, hosts: number) {
    this.size = weights.length;
    this.#weights = weights;
    const lists: number[][] = Array.from({ length: hosts + 1 }, () => []);
    weights.forEach((_, unit) => lists[prefers[unit]! + 1]!.push(unit));
    const falling = lists.map(
      (units) =>
        new Falling(
          units.toSorted((a, b) => weights[b]! - weights[a]!),
          weights,
        ),
    );
    this.#others = falling[0]!;
    this.#own = falling.slice(1);
  }

  /** Sum of the weights of all that wait. */
  get left(): number {
    return this.#own.reduce((sum, { left }) => sum + left, this.#others.left);
  }

  leftOf(host: number): number {
    return this.#own[host]!.left;
  }

  /** Takes the heaviest of this host's own, or of those without a host, up to the weight `most`. @returns null when there is none */
  takeOwn(host: number, most: number): number | null {
    return this.#takeFrom(this.#own[host]!, most) ?? this.#takeFrom(this.#others, most);
  }

  /** Takes the heaviest of the other host that has most left, where `allows` lets it go. @returns null when there is none */
  takeFromOther(host: number, most: number, allows: (owner: number, weight: number) => boolean): number | null {
    const owners = this.#own
      .map(({ left }, owner) => ({ owner, left }))
      .filter(({ owner, left }) => owner !== host && left > 0)
      .toSorted((a, b) => b.left - a.left);
    for (const { owner } of owners) {
      const list = this.#own[owner]!;
      const place = list.heaviest(most);
      if (place === null || !allows(owner, this.#weights[list.unitAt(place)]!)) continue;
      this.size -= 1;
      return list.take(place);
    }
    return null;
  }

  #takeFrom(list: Falling, most: number): number | null {
    const place = list.heaviest(most);
    if (place === null) return null;
    this.size -= 1;
    return list.take(place);
  }
}
