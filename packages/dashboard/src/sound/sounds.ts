/** The sounds of calls, ready to be heard: found, compared with what was processed, and copied where they were not before. */
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { SoundAnswer, SoundName } from "@cofi/evidence/shapes";
import type { Results } from "@cofi/evidence/results";
import type { Store } from "@cofi/event-log/store";
import pLimit from "p-limit";
import { listeningFolder } from "./listening.js";
import { ListeningCopy } from "./listening-copy.js";
import type { SoundPlaces } from "./places.js";
import { SoundSources } from "./sources.js";

export class Sounds {
  readonly #store: Store;
  readonly #results: Results;
  readonly #places: SoundPlaces;
  readonly #sources: SoundSources;
  /** Those that are being made, by their path. */
  readonly #making = new Map<string, ListeningCopy>();
  readonly #closing = new AbortController();
  /** Each decoder takes a core. */
  readonly #decoders = pLimit(availableParallelism());

  /** @param store as everything is stored */
  constructor(store: Store, results: Results, places: SoundPlaces) {
    this.#store = store;
    this.#results = results;
    this.#places = places;
    this.#sources = new SoundSources(store, places);
  }

  /** What there is of a recording; null when it is nowhere. */
  async known(batchId: number, fileName: string): Promise<Omit<SoundAnswer, "ticket"> | null> {
    const sounds = await this.#sources.known(batchId, fileName);
    const [first] = sounds;
    if (first === undefined) return null;
    const [found, processed] = await Promise.all([
      this.#sources.find(batchId, fileName, first, await this.#folder(batchId)),
      this.#results.recordingSha256(batchId, fileName),
    ]);
    if (!found) return null;
    const isKnown = processed !== null && first === "original";
    const same = isKnown ? (await this.#sources.sha256Of(found.path)) === processed : null;
    return { same, source: found.source, sounds };
  }

  /** null when it is nowhere. */
  async copy(batchId: number, fileName: string, name: SoundName): Promise<ListeningCopy | null> {
    const folder = await this.#folder(batchId);
    const found = await this.#sources.find(batchId, fileName, name, folder);
    if (!found) return null;
    // By its content: another recording of the same name gets another copy.
    const path = join(folder, `${await this.#sources.sha256Of(found.path)}.wav`);
    const known = this.#making.get(path) ?? (await ListeningCopy.existing(path));
    if (known) return known;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Another request may have begun meanwhile.
    const begun = this.#making.get(path);
    if (begun) return begun;
    const copy = new ListeningCopy(path, { path: found.path, name: fileName, raw: this.#places.raw });
    this.#making.set(path, copy);
    void this.#decoders(() => copy.make(this.#closing.signal)).finally(() => this.#making.delete(path));
    return copy;
  }

  /** Nothing is decoded any more. */
  close(): void {
    this.#closing.abort(new Error("The dashboard is stopped."));
  }

  #folder(batchId: number): Promise<string> {
    return listeningFolder(this.#places.folder, this.#store, batchId);
  }
}
