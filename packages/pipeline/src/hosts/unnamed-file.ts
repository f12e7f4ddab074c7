/** What is too large for memory, on disk for a short while. */
import { randomUUID } from "node:crypto";
import { open, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

const CHUNK_BYTES = 64 * 1024;

/** A file without a name: its space is free again when it is closed, or when this process ends, however that ends. */
export class UnnamedFile {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** On the disk of `folder`; no other user may read it. @throws the error of the system */
  static async create(folder: string): Promise<UnnamedFile> {
    const path = join(folder, `.cofi-${randomUUID()}`);
    const file = await open(path, "wx+", 0o600);
    try {
      await unlink(path);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new UnnamedFile(file);
  }

  /** @throws the error of the system, such as that of a full disk */
  async append(bytes: Uint8Array): Promise<void> {
    await this.#file.appendFile(bytes);
  }

  /** Writes over the beginning of what is there. @throws the error of the system */
  async overwriteStart(bytes: Uint8Array): Promise<void> {
    await this.#file.write(bytes, 0, bytes.length, 0);
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  /** All of it from its beginning, a piece at a time; as often as it is asked for. */
  async *content(): AsyncGenerator<Buffer> {
    for (let at = 0; ;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await this.#file.read(chunk, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  /** Idempotent; waits for a piece that is being read. */
  async close(): Promise<void> {
    await this.#file.close();
  }
}
