/** Finds the sound of a call: in the folder of its batch, or where engines keep it. */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { SoundAnswer, SoundName } from "@cofi/evidence/shapes";
import type { Store } from "@cofi/event-log/store";
import { sha256 } from "@cofi/access/secrets";
import type { SoundPlaces } from "./places.js";

export interface FoundSound {
  path: string;
  source: SoundAnswer["source"];
}

/** How long an engine's host may take to begin its answer. */
const ENGINE_MS = 10_000;
/** The files of an engine of Cofi, below the folder of a recording; see docs/engines.md. */
const STORED = { original: "original", denoised: "denoised.wav" } as const satisfies Record<SoundName, string>;

export class SoundSources {
  readonly #store: Store;
  readonly #places: SoundPlaces;
  readonly #hashes = new Map<string, Promise<string>>();

  /** @param store as everything is stored */
  constructor(store: Store, places: SoundPlaces) {
    this.#store = store;
    this.#places = places;
  }

  /** Which of the sounds are there to be heard. */
  async known(batchId: number, fileName: string): Promise<SoundName[]> {
    const names: SoundName[] = ["original", "denoised"];
    const found = await Promise.all(names.map((name) => this.#isThere(batchId, fileName, name)));
    return names.filter((_, index) => found[index]);
  }

  /** null when it is nowhere. @param cache where what an engine gives is kept */
  async find(batchId: number, fileName: string, name: SoundName, cache: string): Promise<FoundSound | null> {
    const local = await this.#local(batchId, fileName, name);
    if (local) return local;
    const path = join(cache, `${sha256(`${fileName}\0${name}`)}.source`);
    if (await isFile(path)) return { path, source: "engine" };
    for (const engine of await this.#engines(batchId)) {
      const response = await this.#ask(engine, batchId, fileName, name);
      if (!response) continue;
      await mkdir(cache, { recursive: true, mode: 0o700 });
      const part = `${path}.${randomUUID()}.part`;
      try {
        const body = Readable.fromWeb(response.body as ReadableStream);
        await pipeline(body, createWriteStream(part, { mode: 0o600 }));
        await rename(part, path);
        return { path, source: "engine" };
      } catch (error) {
        await rm(part, { force: true });
        // This machine's disk is to blame, as when it is full.
        if ((error as NodeJS.ErrnoException).syscall === "write" || (error as NodeJS.ErrnoException).syscall === "open")
          throw error;
        // The host was lost on the way: another may have it.
      }
    }
    return null;
  }

  /** Lower-case hex. Read once for each version of a file. */
  async sha256Of(path: string): Promise<string> {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    const key = JSON.stringify([path, ino, size, mtimeMs, ctimeMs]);
    const hash = this.#hashes.get(key) ?? hashOf(path);
    this.#hashes.set(key, hash);
    hash.catch(() => this.#hashes.delete(key));
    return hash;
  }

  async #isThere(batchId: number, fileName: string, name: SoundName): Promise<boolean> {
    if (await this.#local(batchId, fileName, name)) return true;
    for (const engine of await this.#engines(batchId)) {
      const response = await this.#ask(engine, batchId, fileName, name);
      await response?.body?.cancel();
      if (response) return true;
    }
    return false;
  }

  async #local(batchId: number, fileName: string, name: SoundName): Promise<FoundSound | null> {
    // Only what lies directly in a folder belongs to its batch.
    if (basename(fileName) !== fileName || fileName === "." || fileName === "..") return null;
    const folder = name === "original" ? await this.#store.folderOfBatch(batchId) : null;
    if (folder !== null && (await isFile(join(folder, fileName))))
      return { path: join(folder, fileName), source: "folder" };
    const { files } = this.#places;
    const places = await this.#store.filesOfBatch(batchId);
    if (!places.some(({ place }) => place === files.place)) return null;
    const path = join(files.path, String(batchId), sha256(fileName), STORED[name]);
    return (await isFile(path)) ? { path, source: "engine" } : null;
  }

  /** Base URLs. */
  async #engines(batchId: number): Promise<string[]> {
    const places = await this.#store.filesOfBatch(batchId);
    return places.flatMap(({ place }) => (/^https?:\/\//.test(place) ? [place.replace(/\/$/, "")] : []));
  }

  async #ask(engine: string, batchId: number, fileName: string, name: SoundName): Promise<Response | null> {
    const { engineToken } = this.#places;
    const variant = name === "original" ? "" : `?variant=${name}`;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), ENGINE_MS);
    try {
      const response = await fetch(`${engine}/files/${batchId}/${encodeURIComponent(fileName)}${variant}`, {
        headers: engineToken === undefined ? {} : { authorization: `Bearer ${engineToken}` },
        redirect: "error",
        signal: stop.signal,
      });
      if (response.ok && response.body) return response;
      await response.body?.cancel();
      return null;
    } catch {
      // It cannot be reached, or not in time.
      return null;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ?? false;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1_048_576 }), hash);
  return hash.digest("hex");
}
