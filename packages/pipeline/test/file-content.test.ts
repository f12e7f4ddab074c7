/** What is read of a file whose length may be another one than was thought. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { contentOf, partsOf } from "@cofi/pipeline/file-content";

const PART = 64 * 1024;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-content-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(bytes: number): Promise<string> {
  const path = join(folder, `${bytes}`);
  await writeFile(
    path,
    Uint8Array.from({ length: bytes }, (_, at) => at % 251),
  );
  return path;
}

test.each([0, 1, 100, PART - 1, PART, PART + 1, 3 * PART, 3 * PART + 7])(
  "all of %i bytes is read, whatever was thought of its length",
  async (bytes) => {
    const path = await file(bytes);
    for (const expected of [0, 1, bytes, bytes + 1, Math.max(0, bytes - 1), 10 * PART]) {
      const parts: Buffer[] = [];
      for await (const part of partsOf(path, expected)) parts.push(part);
      const inOne: Buffer[] = [];
      for await (const part of partsOf(path, expected, Buffer.alloc(1_000))) inOne.push(Buffer.from(part));
      for (const read of [Buffer.concat(parts), Buffer.concat(inOne)]) {
        expect(read.length, `thought to be ${expected}`).toBe(bytes);
        expect(read.every((value, at) => value === at % 251)).toBe(true);
      }
    }
  },
);

test("a small file is given whole, a larger one by its length", async () => {
  expect(await contentOf(await file(PART))).toHaveLength(PART);
  expect(await contentOf(await file(0))).toHaveLength(0);
  expect(await contentOf(await file(PART + 1))).toBe(PART + 1);
  await expect(contentOf(join(folder, "gone"))).rejects.toThrow(/ENOENT/);
});
