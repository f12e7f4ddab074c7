/** Strings by number, in the order in which they came. */
export class StringTable {
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
