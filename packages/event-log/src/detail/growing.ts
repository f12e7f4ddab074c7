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

  /** undefined for a name that never came. */
  find(name: string): number | undefined {
    return this.#indexes.get(name);
  }
}
