/**
 * What a file holds, in as few calls of the system as can be: a stream takes three times as many, and there may be a hundred
 * thousand small recordings.
 */
import { close, open, read, stat } from "node:fs";
import { promisify } from "node:util";

// The promises of `node:fs` take twice the time.
const opened = promisify(open);
const closed = promisify(close);
const found = promisify(stat);

/** Read at once. */
export const PART_BYTES = 64 * 1024;

/** A file in memory, where that is no more than one part of it; else its length. @throws the file system's error */
export async function contentOf(path: string): Promise<Buffer | number> {
  const { size } = await found(path);
  if (size > PART_BYTES) return size;
  const parts: Buffer[] = [];
  for await (const part of partsOf(path, size)) parts.push(part);
  return Buffer.concat(parts);
}

/**
 * The parts of the file. `bytes`: how long it is, as far as is known; one that turns out to be longer is read on. `buffer`: in which
 * each part is good until the next one; without it each has a buffer of its own.
 * @throws the file system's error
 */
export async function* partsOf(path: string, bytes: number, buffer?: Buffer): AsyncGenerator<Buffer> {
  const file = await opened(path, "r");
  try {
    for (let at = 0; ;) {
      // One byte more than is left: a part that is not full shows the end, where that is the one that is expected.
      const most = buffer?.length ?? PART_BYTES;
      const wanted = at <= bytes ? Math.min(most, bytes - at + 1) : most;
      const part = await readPart(file, buffer?.subarray(0, wanted) ?? Buffer.allocUnsafe(wanted));
      at += part.length;
      if (part.length > 0) yield part;
      if (part.length === 0 || (part.length < wanted && at === bytes)) return;
    }
  } finally {
    await closed(file);
  }
}

function readPart(file: number, buffer: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    read(file, buffer, 0, buffer.length, null, (error, count) =>
      error ? reject(error) : resolve(buffer.subarray(0, count)),
    );
  });
}
