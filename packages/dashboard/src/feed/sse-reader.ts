import type { ServerResponse } from "node:http";
import { GZIP_HEADER, type SseMessage } from "./sse-message.js";

/** Bytes below which a reader counts as keeping up, so that the next page of missed events may go out. */
const LOW_MARK = 65_536;
const PATIENCE_MS = 60_000;

/** One open `text/event-stream` response with a bounded buffer. */
export class SseReader {
  readonly #response: ServerResponse;
  readonly #gzip: boolean;
  readonly #limit: number;
  readonly #onCut: () => void;
  #held: SseMessage[] | null = null;
  #heldBytes = 0;
  #closed = false;

  /** @param options `limit`: bytes that may wait in this process for a slow reader before it is disconnected */
  constructor(response: ServerResponse, options: { gzip: boolean; limit: number }, onCut: () => void) {
    this.#response = response;
    this.#gzip = options.gzip;
    this.#limit = options.limit;
    this.#onCut = onCut;
    response.on("close", () => {
      this.#closed = true;
      this.#held = null;
    });
    // A reset connection ends in `close`; the error adds nothing.
    response.on("error", () => response.destroy());
    if (this.#gzip) response.write(GZIP_HEADER);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Frames of the live feed that wait while the reader catches up. */
  send(message: SseMessage): void {
    if (this.#held === null) return this.write(message);
    this.#held.push(message);
    this.#heldBytes += message.plain.length;
    if (this.#heldBytes > this.#limit) this.#cutOff();
  }

  /**
   * Writes at once. The limit is checked before the message is added, so that a message above the limit still
   * reaches a reader that keeps up: a reader disconnected for it would request the same message forever.
   */
  write(message: SseMessage): void {
    if (this.#closed) return;
    if (this.#response.writableLength > this.#limit) return this.#cutOff();
    this.#response.write(this.#gzip ? message.packed : message.plain);
  }

  hold(): void {
    this.#held ??= [];
  }

  /** Writes the waiting frames, in order. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    this.#heldBytes = 0;
    for (const message of held) this.write(message);
  }

  /** Resolves when the reader has received everything or has left. A reader that receives nothing for a minute is disconnected. */
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
