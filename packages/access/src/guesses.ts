/** Slows down those who guess secrets, without shutting out those who know them. In memory, bounded; no clock of its own. */

/** Something that guesses are counted by: an address, an account at an address. */
export interface Counted {
  key: string;
  /** Guesses that may fail before the next ones have to wait. */
  free: number;
}

interface Count {
  failed: number;
  /** ms; before that the next guess is not looked at. */
  nextAt: number;
  lastAt: number;
}

/** The first wait, which doubles with each guess that fails, and the longest. */
const WAIT_MS = { first: 1_000, longest: 60_000 };
/** Counts end when nothing was guessed for so many ms. */
const FORGOTTEN_MS = 900_000;
const MOST_KEPT = 20_000;

export class Guesses {
  readonly #now: () => number;
  /** The one that was guessed at last is at the end. */
  readonly #counts = new Map<string, Count>();

  /** @param now ms, of a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Call before a secret is looked at, and {@link failed} or {@link succeeded} after. Until then the guess counts as failed, so that many at once
   * do not slip through.
   * @returns ms to wait; 0: the secret may be looked at now
   */
  begin(counted: readonly Counted[]): number {
    const now = this.#now();
    const wait = Math.max(...counted.map(({ key }) => this.#countOf(key, now).nextAt - now), 0);
    if (wait > 0) return wait;
    for (const { key, free } of counted) {
      const count = this.#countOf(key, now);
      count.failed += 1;
      count.lastAt = now;
      count.nextAt = now + waitMs(count.failed - free);
      this.#counts.delete(key);
      this.#counts.set(key, count);
    }
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MOST_KEPT && oldest !== undefined) this.#counts.delete(oldest);
    return 0;
  }

  /** The secret was wrong: the wait begins now, however long it took to look at it. */
  failed(counted: readonly Counted[]): void {
    const now = this.#now();
    for (const { key, free } of counted) {
      const count = this.#counts.get(key);
      if (count) count.nextAt = now + waitMs(count.failed - free);
    }
  }

  /**
   * The secret was right: this guess does not count. What failed before it still does, except under `own`, where nobody else guesses.
   */
  succeeded(counted: readonly Counted[], own: string | null = null): void {
    for (const { key } of counted) {
      const count = this.#counts.get(key);
      if (!count) continue;
      count.failed = Math.max(0, count.failed - 1);
      count.nextAt = 0;
    }
    if (own !== null) this.#counts.delete(own);
  }

  #countOf(key: string, now: number): Count {
    const known = this.#counts.get(key);
    return known && now - known.lastAt < FORGOTTEN_MS ? known : { failed: 0, nextAt: 0, lastAt: now };
  }
}

/** @param beyond guesses that failed beyond those that may */
function waitMs(beyond: number): number {
  return beyond <= 0 ? 0 : Math.min(WAIT_MS.longest, WAIT_MS.first * 2 ** Math.min(beyond - 1, 16));
}
