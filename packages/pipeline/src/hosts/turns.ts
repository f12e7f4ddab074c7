/** Work of which only so much is done at once; what is more waits in the order in which it came. */
export class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Does `work` in its turn. @throws what `work` throws, or the reason of `signal` when that aborts before its turn */
  async take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      if (next) next();
      else this.#free += 1;
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const leave = (): void => {
        this.#waiting.delete(come);
        reject(signal.reason as Error);
      };
      const come = (): void => {
        this.#waiting.delete(come);
        signal.removeEventListener("abort", leave);
        resolve();
      };
      this.#waiting.add(come);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}
