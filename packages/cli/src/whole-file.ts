/** Files that appear when they are complete. */
import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CommandError, EXIT } from "./exit.js";

/**
 * Writes a file that only its owner may read, because it names clients. Until it is complete, it has another name beside it; whatever ends the
 * command before, there is no half of it under its own name.
 * @throws CommandError when it cannot be written; what `pieces` throws
 */
export async function writeWhole(
  pieces: AsyncGenerator<string | Buffer>,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const part = `${path}.${randomUUID().slice(0, 8)}.part`;
  try {
    const file = createWriteStream(part, { mode: 0o600, flush: true });
    await pipeline(Readable.from(pieces), file, signal ? { signal } : {});
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    const { code, message, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined || code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    const why = code === "ENOSPC" ? "the disk is full" : message;
    throw new CommandError(`${path} cannot be written: ${why}. Nothing of it was left there.`, EXIT.failed);
  }
}
