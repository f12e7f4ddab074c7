/** Arrays of numbers that grow: a batch of 100,000 files has a million cells, and an object for each would take ten times the memory. */

type Numbers = Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array;

export class Growing<T extends Numbers> {
  #values: T;
  readonly #make: new (length: number) => T;

  constructor(make: new (length: number) => T) {
    this.#make = make;
    this.#values = new make(64);
  }

  /** 0 for what was never set. */
  get(index: number): number {
    return this.#values[index] ?? 0;
  }

  set(index: number, value: number): void {
    if (index >= this.#values.length) {
      const larger = new this.#make(Math.max(index + 1, this.#values.length * 2));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[index] = value;
  }
}

/** Names by number, in the order in which they came. */
export class Names {
  readonly all: string[] = [];
  readonly #indexes = new Map<string, number>();
  readonly #sorted: number[] = [];
  #ranks = new Uint32Array();

  /** The number of a name, which gets one if it has none. */
  add(name: string): number {
    let index = this.#indexes.get(name);
    if (index === undefined) {
      index = this.all.length;
      this.all.push(name);
      this.#indexes.set(name, index);
    }
    return index;
  }

  /** The place of each name among all in alphabetical order; not to be changed. Worked out again only when there are new ones. */
  ranks(): Uint32Array {
    const { all } = this;
    if (this.#sorted.length === all.length) return this.#ranks;
    for (let index = this.#sorted.length; index < all.length; index++) this.#sorted.push(index);
    // Sorted but for the new ones at its end, which the sort makes use of.
    this.#sorted.sort((a, b) => (all[a]! < all[b]! ? -1 : 1));
    this.#ranks = new Uint32Array(all.length);
    for (const [rank, index] of this.#sorted.entries()) this.#ranks[index] = rank;
    return this.#ranks;
  }

  /** undefined for a name that never came. */
  find(name: string): number | undefined {
    return this.#indexes.get(name);
  }
}
