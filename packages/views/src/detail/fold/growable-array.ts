/** Arrays of numbers that grow: a batch of 100,000 files has a million cells, and an object for each would take ten times the memory. */

type Numbers = Uint8Array | Uint16Array | Int32Array | Float64Array;

export class GrowableArray<T extends Numbers> {
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
