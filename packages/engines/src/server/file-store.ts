import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, join } from "node:path";
import { validBatchId, validFileName, VARIANT_FILES } from "./file-names.js";
import { EngineProblem, fileTooLarge } from "./problem.js";
import type { FileStore, Variant } from "./stage-engine.js";
import { removeAbandonedWorkFolders } from "./work-folder.js";

/** An upload that has not grown for this long belongs to a process that is gone. */
const ABANDONED_UPLOAD_MS = 60 * 60 * 1000;

/** The stored recording, as `PUT /files/…` returns it. */
export interface StoredFile {
  bytes: number;
  sha256: string;
}

/** Nothing can be kept in the folder for recordings. The message says why and what to do. */
class FilesFolderError extends Error {
  override readonly name = "FilesFolderError";

  constructor(folder: string, cause: Error) {
    const user = process.getuid?.() ?? "of the engine";
    super(
      `The folder for recordings ${folder} cannot be used: ${cause.message}. It has to be a folder that the user ${user} may write to.`,
      {
        cause,
      },
    );
  }
}

/**
 * Recordings on disk: `<root>/<batch id>/<sha256 of the name>/original`. The name itself never becomes part of a path, so
 * quotes, line breaks, a leading dash or 255 bytes of emoji are safe for the file system or for other programs.
 * Several processes may share one root: every file appears by rename, whole or not at all.
 */
export class DiskFileStore implements FileStore {
  readonly #root: string;
  readonly #temporary: string;

  private constructor(root: string) {
    this.#root = root;
    this.#temporary = join(root, "incoming");
  }

  /** Opens the store, creates its folders and clears what uploads of dead processes left behind. @throws FilesFolderError */
  static async open(root: string): Promise<DiskFileStore> {
    const store = new DiskFileStore(root);
    await mkdir(store.#temporary, { recursive: true }).catch((cause: unknown) => {
      throw new FilesFolderError(root, cause as Error);
    });
    await store.#removeAbandonedUploads();
    return store;
  }

  /**
   * Stores an uploaded recording, replacing an earlier one. A derived recording goes with the original it was made from,
   * unless the new upload has the same content. Throws 413 `file-too-large`; when the upload breaks off, the stream's error.
   */
  async put(
    batchId: number,
    fileName: string,
    content: AsyncIterable<Uint8Array>,
    maxBytes: number,
  ): Promise<StoredFile> {
    const temporary = this.#temporaryPath();
    try {
      const stored = await writeDurably(temporary, content, maxBytes);
      const folder = this.#folder(batchId, fileName);
      await this.#dropStaleVariants(folder, stored.sha256);
      await this.#moveInto(temporary, folder, "original");
      return stored;
    } catch (error) {
      throw isDiskFull(error) ? this.#diskFull(error) : error;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async original(batchId: number, fileName: string): Promise<string> {
    const path = join(this.#folder(batchId, fileName), "original");
    if (await exists(path)) return path;
    throw fileMissing(batchId, fileName);
  }

  async originals(batchId: number, most: number): Promise<string[]> {
    const folder = join(this.#root, String(validBatchId(batchId)));
    const names = ((await readdir(folder).catch(ignoreMissing)) ?? []).toSorted();
    const paths = names.slice(0, most).map((name) => join(folder, name, "original"));
    return (await Promise.all(paths.map(async (path) => ((await exists(path)) ? [path] : [])))).flat();
  }

  async variant(batchId: number, fileName: string, variant: Variant): Promise<string> {
    const path = join(this.#folder(batchId, fileName), VARIANT_FILES[variant]);
    if (await exists(path)) return path;
    await this.original(batchId, fileName);
    throw new EngineProblem(
      404,
      "variant-missing",
      "The derived recording is not on this host",
      `There is no variant "${variant}" of ${JSON.stringify(fileName)} in batch ${batchId}. Run the stage that makes it first.`,
    );
  }

  /**
   * Opens the uploaded or a derived recording. What is read from the handle stays whole while the file is replaced or deleted.
   * Throws 404 `file-missing` or `variant-missing`. The caller closes the handle.
   */
  async openRecording(batchId: number, fileName: string, wanted: "original" | Variant): Promise<FileHandle> {
    const path =
      wanted === "original" ? await this.original(batchId, fileName) : await this.variant(batchId, fileName, wanted);
    try {
      return await open(path);
    } catch (error) {
      if (isMissing(error)) throw fileMissing(batchId, fileName);
      throw error;
    }
  }

  async writeVariant(batchId: number, fileName: string, variant: Variant, content: Uint8Array): Promise<string> {
    await this.putVariant(batchId, fileName, variant, [content], Number.POSITIVE_INFINITY);
    return join(this.#folder(batchId, fileName), VARIANT_FILES[variant]);
  }

  /** As `put`, for a derived recording that was made elsewhere. Throws 404 `file-missing`, too, when its original is not here. */
  async putVariant(
    batchId: number,
    fileName: string,
    variant: Variant,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    maxBytes: number,
  ): Promise<StoredFile> {
    const temporary = this.#temporaryPath();
    try {
      const stored = await writeDurably(temporary, content, maxBytes);
      await this.original(batchId, fileName);
      await rename(temporary, join(this.#folder(batchId, fileName), VARIANT_FILES[variant]));
      return stored;
    } catch (error) {
      if (isMissing(error)) throw fileMissing(batchId, fileName);
      throw isDiskFull(error) ? this.#diskFull(error) : error;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Removes all recordings of a batch, and what uploads and engines that were killed left; an unknown batch is not an error. */
  async removeBatch(batchId: number): Promise<void> {
    await this.#putAside(batchId, join(this.#root, String(batchId)));
    await this.#removeAside(batchId);
  }

  /** As {@link removeBatch}, but for the recordings of these names, which stay with what was derived from them. */
  async keepOnly(batchId: number, fileNames: readonly string[]): Promise<void> {
    const kept = new Set(fileNames.map((name) => basename(this.#folder(batchId, name))));
    const folder = join(this.#root, String(validBatchId(batchId)));
    for (const name of (await readdir(folder).catch(ignoreMissing)) ?? [])
      if (!kept.has(name)) await this.#putAside(batchId, join(folder, name));
    await this.#removeAside(batchId);
  }

  /** What is put in its place from now on is of a run that begins, and stays. */
  async #putAside(batchId: number, folder: string): Promise<void> {
    await rename(folder, join(this.#temporary, asidePrefix(batchId) + randomUUID())).catch(ignoreMissing);
  }

  /** With what an engine that was killed left of an earlier time. */
  async #removeAside(batchId: number): Promise<void> {
    for (const entry of await readdir(this.#temporary))
      if (entry.startsWith(asidePrefix(batchId)))
        await rm(join(this.#temporary, entry), { recursive: true, force: true, maxRetries: 3 });
    await this.#removeAbandonedUploads();
    await removeAbandonedWorkFolders();
  }

  async #removeAbandonedUploads(): Promise<void> {
    const oldest = Date.now() - ABANDONED_UPLOAD_MS;
    for (const entry of await readdir(this.#temporary)) {
      const path = join(this.#temporary, entry);
      const facts = await stat(path).catch(ignoreMissing);
      if (facts && facts.mtimeMs < oldest) await rm(path, { recursive: true, force: true });
    }
  }

  #folder(batchId: number, fileName: string): string {
    const name = createHash("sha256").update(validFileName(fileName)).digest("hex");
    return join(this.#root, String(validBatchId(batchId)), name);
  }

  #diskFull(cause: unknown): EngineProblem {
    const detail = `No space is left for recordings in ${this.#root}. Free space there; DELETE /files/{batch_id} forgets a batch.`;
    return new EngineProblem(500, "engine-failed", "The disk of this host is full", detail, { cause });
  }

  #temporaryPath(): string {
    return join(this.#temporary, randomUUID());
  }

  async #dropStaleVariants(folder: string, sha256: string): Promise<void> {
    const variants = Object.values(VARIANT_FILES).map((name) => join(folder, name));
    const present = (await Promise.all(variants.map(exists))).some(Boolean);
    if (!present || (await sha256Of(join(folder, "original"))) === sha256) return;
    await Promise.all(variants.map((path) => rm(path, { force: true })));
  }

  /** A DELETE of the batch may take the folder away between the two steps: then it is made again. */
  async #moveInto(temporary: string, folder: string, name: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await mkdir(folder, { recursive: true });
      try {
        return await rename(temporary, join(folder, name));
      } catch (error) {
        if (!isMissing(error) || attempt === 5) throw error;
      }
    }
  }
}

function asidePrefix(batchId: number): string {
  return `removed-${batchId}-`;
}

async function writeDurably(
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): Promise<StoredFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  const file = await open(path, "wx");
  try {
    for await (const chunk of content) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        // Keep reading for a while: a client that is still sending when the connection closes never sees the answer.
        if (bytes > 2 * maxBytes) throw fileTooLarge(maxBytes);
        continue;
      }
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    if (bytes > maxBytes) throw fileTooLarge(maxBytes);
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest("hex") };
}

async function sha256Of(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return hash.digest("hex");
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

function fileMissing(batchId: number, fileName: string): EngineProblem {
  return new EngineProblem(
    404,
    "file-missing",
    "The recording is not on this host",
    `There is no ${JSON.stringify(fileName)} in batch ${batchId}. Upload it with PUT /files/${batchId}/…, then ask again.`,
  );
}
