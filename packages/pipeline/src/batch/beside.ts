/** Work that is done beside the stages; the batch does not end before it is. */
export class Beside {
  readonly #running = new Set<Promise<void>>();
  #failure: { reason: unknown } | null = null;

  add(work: Promise<void>): void {
    const settled = work
      .catch((reason: unknown) => void (this.#failure ??= { reason }))
      .finally(() => this.#running.delete(settled));
    this.#running.add(settled);
  }

  /** Waits for all of it. @throws the first failure */
  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure) throw this.#failure.reason;
  }
}
