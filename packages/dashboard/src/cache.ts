/** A cache of expensive answers, shared by all callers while they are current or nearly so. */

interface Entry<Value, About> {
  readonly value: Promise<Value>;
  readonly about: About;
  /** `performance.now()` until which the answer is served whatever has changed. */
  until: number;
  /** Removes the answer when it has not been requested for a while. */
  readonly idle: NodeJS.Timeout;
}

export interface CacheOptions {
  /** How long an answer is served unchecked: this many ms, or this multiple of the time that it took to make. */
  leastMs: number;
  times: number;
  /** Answers kept at most; the oldest is removed first. */
  most: number;
  /** An answer that is not requested for this many ms is removed. */
  idleMs: number;
}

/** `About`: the state that an answer was made from. */
export class Cache<Value, About> {
  readonly #options: CacheOptions;
  readonly #entries = new Map<string, Entry<Value, About>>();

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  /**
   * @param isTrue whether an answer that was made from this state is still correct, however old it is
   * @returns the answer, which may still be in progress; a failed one is not kept
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

  /** Removes all answers, because the data they were made from is gone. */
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
