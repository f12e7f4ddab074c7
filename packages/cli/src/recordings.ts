/** Where the recordings of packs come from: the folder of the batch, then the hosts on which the pipeline has put them. */
import type { Store } from "@cofi/event-log/store";
import { FolderRecordings, type RecordingCopy, type RecordingSource } from "@cofi/pack/recordings";
import { EngineError } from "@cofi/pipeline/engine-error";
import { dockerSettings } from "@cofi/pipeline/runtime/docker-settings";
import { EngineStartError, type RunningEngines } from "@cofi/pipeline/runtime/runtime";
import { pipelineSettings } from "@cofi/pipeline/settings";
import { configuredEngines, type ConfiguredEngines } from "./engines.js";

/** How long a host may take to send a recording. */
const HOST_TIMEOUT_MS = 300_000;

/** Sources, and what ends the engines that were started for them. */
export interface ConfiguredRecordings {
  sources: readonly RecordingSource[];
  close(): Promise<void>;
}

/** Nothing is read of the engines' settings, and none is started, before a recording is not in its folder. */
export function configuredRecordings(store: Store): ConfiguredRecordings {
  const hosts = new HostRecordings(store);
  return {
    sources: [new FolderRecordings((batchId) => store.folderOfBatch(batchId)), hosts],
    close: () => hosts.close(),
  };
}

class HostRecordings implements RecordingSource {
  readonly #store: Store;
  readonly #closing = new AbortController();
  readonly #started = new Map<string, Promise<RunningEngines | null>>();
  #engines: ConfiguredEngines | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  async *copies(batchId: number, fileName: string): AsyncGenerator<RecordingCopy> {
    for (const { place, description } of await this.#store.filesOfBatch(batchId)) {
      const [host] = (await this.#reach(place))?.hosts ?? [];
      const engines = this.#engines;
      if (host && engines)
        yield {
          place: description,
          read: () => engines.client.download(host, batchId, fileName, this.#closing.signal),
        };
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const started of this.#started.values()) await (await started)?.stop();
    await this.#engines?.close();
  }

  /** null when no engine of this installation knows the place, or none answers there. */
  #reach(place: string): Promise<RunningEngines | null> {
    const known = this.#started.get(place) ?? this.#start(place);
    this.#started.set(place, known);
    return known;
  }

  async #start(place: string): Promise<RunningEngines | null> {
    const { keepers } = (this.#engines ??= this.#configured());
    try {
      for (const keeper of keepers) {
        const engines = await keeper.filesAt(place, this.#closing.signal);
        if (engines) return engines;
      }
    } catch (error) {
      if (!(error instanceof EngineStartError || error instanceof EngineError)) throw error;
    }
    return null;
  }

  #configured(): ConfiguredEngines {
    const [settings, docker] = [pipelineSettings(process.env), dockerSettings(process.env)];
    return configuredEngines(settings, docker, HOST_TIMEOUT_MS, this.#store, null);
  }
}
