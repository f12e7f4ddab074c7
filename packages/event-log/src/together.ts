/**
 * What is asked for one by one and done together: all that comes in one turn of the event loop, or while others are being done,
 * makes one call. Hundreds of files in work ask a database for the same, and each visit there has costs of its own.
 */
import { setImmediate as nextTurn } from "node:timers/promises";

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

export interface TogetherOptions<Item, Result> {
  /** Does all of it. @returns the results, in the order of the items */
  work: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Items of one call. */
  most: number;
  /** How large an item is, and how large all of one call may be; a single one may be larger. Default: none has a size. */
  sizeOf?: (item: Item) => number;
  mostSize?: number;
  /** Whether an error of a call is that of a single item: then each is done by itself. Default: it is that of all. */
  isOfOne?: (error: unknown) => boolean;
}

export class Together<Item, Result> {
  readonly #options: TogetherOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #isRunning = false;

  constructor(options: TogetherOptions<Item, Result>) {
    this.#options = options;
  }

  /** @throws what the call throws that the item was part of */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    for (;;) {
      await nextTurn();
      const part = this.#waiting.splice(0, this.#next());
      if (part.length === 0) break;
      await this.#do(part);
    }
    this.#isRunning = false;
  }

  /** How many of those that wait are done by the next call. */
  #next(): number {
    const { most, sizeOf = () => 0, mostSize = Number.POSITIVE_INFINITY } = this.#options;
    let size = 0;
    const tooLarge = this.#waiting.findIndex(({ item }) => (size += sizeOf(item)) > mostSize);
    return Math.min(most, tooLarge === -1 ? this.#waiting.length : Math.max(1, tooLarge));
  }

  async #do(part: readonly Waiting<Item, Result>[]): Promise<void> {
    const { work, isOfOne } = this.#options;
    try {
      const results = await work(part.map(({ item }) => item));
      part.forEach(({ resolve }, place) => resolve(results[place]!));
    } catch (error) {
      if (part.length > 1 && isOfOne?.(error)) for (const one of part) await this.#do([one]);
      else for (const { reject } of part) reject(error);
    }
  }
}
