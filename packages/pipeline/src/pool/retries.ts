/** Units that wait for another attempt, in the order in which they failed. */
export class Retries {
  /** By unit, the moment until which it waits where it has failed before. */
  readonly #notBefore = new Map<number, number>();

  get isEmpty(): boolean {
    return this.#notBefore.size === 0;
  }

  add(unit: number, notBefore: number): void {
    this.#notBefore.set(unit, notBefore);
  }

  /** @returns false when it does not wait */
  remove(unit: number): boolean {
    return this.#notBefore.delete(unit);
  }

  /** Takes the first that `suits`. @returns null when none does */
  take(now: number, suits: (unit: number, isDue: boolean) => boolean): number | null {
    for (const [unit, notBefore] of this.#notBefore)
      if (suits(unit, notBefore <= now)) {
        this.#notBefore.delete(unit);
        return unit;
      }
    return null;
  }

  /** The next moment at which one becomes due; Infinity when there is none. */
  nextAt(now: number): number {
    let at = Number.POSITIVE_INFINITY;
    for (const notBefore of this.#notBefore.values()) if (notBefore > now) at = Math.min(at, notBefore);
    return at;
  }
}
