import type { ServerResponse } from "node:http";

/** Bytes below which a reader counts as keeping up, so that the next page of missed events may go out. */
const LOW_MARK = 65_536;
const PATIENCE_MS = 60_000;

/** One open `text/event-stream` response with a bounded buffer. */
export class SseReader {
  readonly #response: ServerResponse;
  readonly #limit: number;
  readonly #onCut: () => void;
  #held: Buffer[] | null = null;
  #heldBytes = 0;
  #closed = false;

  /** @param limit bytes that may wait in this process for a slow reader before it is cut off */
  constructor(response: ServerResponse, limit: number, onCut: () => void) {
    this.#response = response;
    this.#limit = limit;
    this.#onCut = onCut;
    response.on("close", () => {
      this.#closed = true;
      this.#held = null;
    });
    // A reset connection ends in `close`; the error itself says nothing more.
    response.on("error", () => response.destroy());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Frames of the live feed: kept back while the reader catches up. */
  send(chunk: Buffer): void {
    if (this.#held === null) return this.write(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > this.#limit) this.#cutOff();
  }

  /**
   * Writes at once. The limit is checked before the chunk is added, so that a chunk above the limit still reaches a
   * reader that keeps up: cut off for it, it would ask for the same chunk for ever.
   */
  write(chunk: Buffer): void {
    if (this.#closed) return;
    if (this.#response.writableLength > this.#limit) return this.#cutOff();
    this.#response.write(chunk);
  }

  hold(): void {
    this.#held ??= [];
  }

  /** Writes what was kept back, in order. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    this.#heldBytes = 0;
    for (const chunk of held) this.write(chunk);
  }

  /** Resolves when the reader has taken what was written, or is gone; one that takes nothing for a minute is cut off. */
  async drained(): Promise<void> {
    if (this.#closed || this.#response.writableLength < LOW_MARK) return;
    await new Promise<void>((resolve) => {
      const patience = setTimeout(() => this.#cutOff(), PATIENCE_MS);
      const done = (): void => {
        clearTimeout(patience);
        this.#response.off("drain", done);
        this.#response.off("close", done);
        resolve();
      };
      this.#response.on("drain", done);
      this.#response.on("close", done);
    });
  }

  end(): void {
    if (!this.#closed) this.#response.end();
  }

  #cutOff(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held = null;
    this.#onCut();
    this.#response.destroy();
  }
}
