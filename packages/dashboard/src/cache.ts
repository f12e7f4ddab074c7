/** Answers that cost something to make: shared by all who ask, for as long as they are true or nearly so. */

interface Entry<Value, About> {
  readonly value: Promise<Value>;
  readonly about: About;
  /** `performance.now()` until which it is good whatever has come since. */
  until: number;
  /** Forgets it when nobody has asked for so long. */
  readonly idle: NodeJS.Timeout;
}

export interface CacheOptions {
  /** An answer is good for so long, ms, or for so many times what making it took. */
  leastMs: number;
  times: number;
  /** The oldest goes first. */
  most: number;
  /** ms after which one that nobody asks for goes. */
  idleMs: number;
}

/** `About`: what was known when the answer was made. */
export class Cache<Value, About> {
  readonly #options: CacheOptions;
  readonly #entries = new Map<string, Entry<Value, About>>();

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  /**
   * @param isTrue whether an answer that was made then still holds, however old it is
   * @returns the answer, which may still be being made; one that fails is not kept
   */
  of(
    key: string,
    about: About,
    isTrue: (then: About) => boolean,
    make: () => Promise<Value>,
  ): { value: Promise<Value>; about: About } {
    const known = this.#entries.get(key);
    if (known && (isTrue(known.about) || performance.now() < known.until)) {
      known.idle.refresh();
      return known;
    }
    if (known) this.#forget(key, known);
    const idle = setTimeout(() => this.#forget(key, entry), this.#options.idleMs).unref();
    const entry: Entry<Value, About> = { value: make(), about, until: Infinity, idle };
    this.#entries.set(key, entry);
    void this.#judge(key, entry);
    const [oldest] = this.#entries;
    if (this.#entries.size > this.#options.most && oldest) this.#forget(...oldest);
    return entry;
  }

  /** What all of it was made from is no longer there. */
  clear(): void {
    for (const [key, entry] of this.#entries) this.#forget(key, entry);
  }

  async #judge(key: string, entry: Entry<Value, About>): Promise<void> {
    const began = performance.now();
    const [outcome] = await Promise.allSettled([entry.value]);
    const now = performance.now();
    entry.until = now + Math.max(this.#options.leastMs, this.#options.times * (now - began));
    if (outcome.status === "rejected") this.#forget(key, entry);
  }

  #forget(key: string, entry: Entry<Value, About>): void {
    clearTimeout(entry.idle);
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}
