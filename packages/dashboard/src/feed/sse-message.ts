import { constants, deflateRawSync } from "node:zlib";

/**
 * A message for any number of readers, encoded once in each form. The compressed form is a piece of a gzip stream that refers
 * to nothing before it (RFC 1951: blocks after a full flush), so the same bytes fit into the stream of every reader, whenever
 * it connected: {@link GZIP_HEADER}, then any such pieces.
 */
export class SseMessage {
  readonly plain: Buffer;
  #packed: Buffer | null = null;

  constructor(text: string) {
    this.plain = Buffer.from(text);
  }

  /** An event with its data. JSON has no raw line breaks, so one `data:` line is enough. */
  static event(event: string, data: unknown, id?: number): SseMessage {
    const idLine = id === undefined ? "" : `id: ${id}\n`;
    return new SseMessage(`event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`);
  }

  get packed(): Buffer {
    return (this.#packed ??= deflateRawSync(this.plain, { finishFlush: constants.Z_FULL_FLUSH }));
  }
}

/** RFC 1952: deflate, no name, no time, system unknown. */
export const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
