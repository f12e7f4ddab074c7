/**
 * Where the denoised audio of each recording lies, and how a host gets it that does not have it: copied from where it lies, or
 * made again. A later stage never works on another audio than the one that was made for it.
 */
import type { FilePlace } from "@cofi/event-log/store";
import type { EngineClient } from "../hosts/engine-client.js";
import { denoiseResponse } from "../hosts/engine-contract.js";
import { EngineError } from "../hosts/engine-error.js";
import { filesOf, type EngineHost, type RunningEngines } from "../runtime/runtime.js";
import type { Recording } from "./batch-folder.js";

export interface DerivedAudioOptions {
  batchId: number;
  client: EngineClient;
  /** Starts, or finds, the engines of denoise while another stage runs. */
  denoise: () => Promise<RunningEngines>;
  /** Before a recording is put somewhere: retention finds it there later. */
  noteFiles: (place: FilePlace) => Promise<void>;
}

/** How a host came to the denoised audio of a recording; for the log. */
export type Brought = { copiedFrom: string; bytes: number; sha256: string } | { madeOn: string };

export class DerivedAudio {
  readonly #options: DerivedAudioOptions;
  /** By file, the key of the host on which it lies. */
  readonly #lies = new Map<string, string>();
  #engines: Promise<RunningEngines> | null = null;

  constructor(options: DerivedAudioOptions) {
    this.#options = options;
  }

  /** The recording, or what was made from it, lies on this host since now. */
  note(fileName: string, hostKey: string): void {
    this.#lies.set(fileName, hostKey);
  }

  /** The key of the host on which it lies; undefined when this run does not know. */
  liesOn(fileName: string): string | undefined {
    return this.#lies.get(fileName);
  }

  /** Gives the host, which has the recording itself, its denoised audio. @throws EngineError when it cannot be had */
  async bring(recording: Recording, host: EngineHost, signal: AbortSignal): Promise<Brought> {
    const { batchId, client } = this.#options;
    const { fileName } = recording;
    const sources = await this.#sources(fileName);
    for (const source of sources) {
      if (sharesFiles(source, host)) continue;
      try {
        const { answer } = await client.copyDenoised(source, host, batchId, fileName, signal);
        return { copiedFrom: source.url, ...answer };
      } catch (error) {
        // It does not have it, or cannot be asked: the next one may.
        if (!(error instanceof EngineError) || signal.aborted) throw error;
      }
    }
    return this.#makeAgain(recording, host, sources, signal);
  }

  /** Ends what was started. */
  async close(hurry?: AbortSignal): Promise<void> {
    const engines = await this.#engines?.catch(() => null);
    await engines?.stop(hurry);
  }

  /** The hosts of denoise; first the one on which the audio should lie. */
  async #sources(fileName: string): Promise<EngineHost[]> {
    this.#engines ??= this.#options.denoise();
    const { hosts } = await this.#engines;
    const key = this.#lies.get(fileName);
    return hosts.toSorted((a, b) => Number(b.key === key) - Number(a.key === key));
  }

  async #makeAgain(
    recording: Recording,
    host: EngineHost,
    sources: readonly EngineHost[],
    signal: AbortSignal,
  ): Promise<Brought> {
    const { batchId, client, noteFiles } = this.#options;
    const { fileName, path } = recording;
    const troubles: string[] = [];
    // Where the files are those of the host, nothing has to be copied.
    for (const source of sources.toSorted((a, b) => Number(sharesFiles(b, host)) - Number(sharesFiles(a, host))))
      try {
        await source.ready();
        await noteFiles(filesOf(source));
        await client.upload(source, batchId, fileName, path, signal);
        await client.process(source, "denoise", { batch_id: batchId, file_name: fileName }, denoiseResponse, signal);
        if (!sharesFiles(source, host)) await client.copyDenoised(source, host, batchId, fileName, signal);
        this.note(fileName, source.key);
        return { madeOn: source.url };
      } catch (error) {
        if (signal.aborted) throw error;
        troubles.push((error as Error).message);
      }
    throw new EngineError(
      `${host.name} has no denoised audio of ${fileName}, and it could be neither copied nor made again: ${troubles.join(" ") || "no host of denoise is known."}`,
      // Not the fault of the host that lacks it: another attempt may find a host of denoise again.
      { status: 404, type: "variant-missing", fault: "answer" },
    );
  }
}

function sharesFiles(a: EngineHost, b: EngineHost): boolean {
  return filesOf(a).place === filesOf(b).place;
}
