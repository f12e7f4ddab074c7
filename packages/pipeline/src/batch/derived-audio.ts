/**
 * Where the denoised audio of each recording lies, and how a host gets it that does not have it: copied from where it lies, or
 * made again. A later stage never works on another audio than the one that was made for it.
 */
import type { FilePlace } from "@cofi/event-log/store";
import type { EngineClient } from "../hosts/engine-client.js";
import { denoiseResponse } from "../hosts/engine-contract.js";
import { EngineError, type Fault } from "../hosts/engine-error.js";
import { unlessAborted } from "../hosts/unless-aborted.js";
import type { HostState } from "../pool/host-state.js";
import { filesOf, type EngineHost, type RunningEngines } from "../runtime/runtime.js";
import type { BatchFolder, Recording } from "./batch-folder.js";
import type { SlotQueue } from "./slot-queue.js";

export interface DerivedAudioOptions {
  batchId: number;
  folder: Pick<BatchFolder, "places">;
  client: EngineClient;
  /** Starts, or finds, the engines of denoise while another stage runs. */
  denoise: () => Promise<RunningEngines>;
  /** Of these engines: they do no more at once than their slots, whoever asks. */
  slots: Pick<SlotQueue, "take">;
  /** Before a recording is put somewhere: retention finds it there later. */
  noteFiles: (place: FilePlace) => Promise<void>;
  /** What was thought of each host last, by its key. */
  hostStates: ReadonlyMap<string, HostState>;
  /** How long a file waits while all hosts of denoise are away, in ms. */
  patienceMs: number;
  /** Whether the recording is another one than in an earlier run: hosts may keep what was made from the old one. */
  hasChanged: (fileName: string) => boolean;
}

/** How a host came to the denoised audio of a recording; for the log. */
export type Brought = { copiedFrom: string; bytes: number; sha256: string } | { madeOn: string };

/** How long a host of denoise may take to say that it can work, and to make the audio again, and how long one of its slots is waited for, in ms. */
const LOOK_MS = 5_000;
const MAKE_MS = 120_000;
const SLOT_MS = 120_000;
/** All of it takes less than a recording may take to come to a host, whose fault it would be. */
const BRING_MS = 240_000;
/** A copy that takes longer than these two seconds, and one for each megabyte, comes sooner where it is made again. */
const COPY_MS = 2_000;
const COPY_MS_PER_BYTE = 1 / 1_000;
/** How long a copy may take where it is the last way to the audio. */
const LAST_COPY_MS = 60_000;
/** A host that did not answer is asked last for so long. */
const DOUBT_MS = 30_000;
/** Faults by which a host of denoise is not there, or not now: nothing was said about the file. */
const AWAY: ReadonlySet<Fault> = new Set(["host", "busy"]);

export class DerivedAudio {
  readonly #options: DerivedAudioOptions;
  /** Keys of hosts on which recordings lie. */
  readonly #keys: string[] = [];
  /** By place of the recording in the folder, where the key of its host is in that list; what was made from it lies beside it. -1: unknown. */
  readonly #lies: Int32Array;
  /** By place: denoise has done it in this run. */
  readonly #isOfThisRun: Uint8Array;
  /** By key, until when a host is asked last, because it did not answer. */
  readonly #doubted = new Map<string, number>();
  #engines: Promise<RunningEngines> | null = null;
  /** The hosts of denoise now: they may join and leave. */
  #hosts: readonly EngineHost[] = [];
  #unwatch: (() => void) | undefined;
  /** By file, since when it waits for one of them to be there, as `performance.now()` counts. */
  readonly #waitsSince = new Map<string, number>();

  constructor(options: DerivedAudioOptions) {
    this.#options = options;
    const { size } = options.folder.places;
    this.#lies = new Int32Array(size).fill(-1);
    this.#isOfThisRun = new Uint8Array(size);
  }

  /** The recording lies on this host since now. */
  note(fileName: string, hostKey: string): void {
    const known = this.#keys.indexOf(hostKey);
    this.#lies[this.#placeOf(fileName)] = known >= 0 ? known : this.#keys.push(hostKey) - 1;
  }

  /** Its denoised audio was made on this host now. */
  noteDenoised(fileName: string, hostKey: string): void {
    this.note(fileName, hostKey);
    this.#isOfThisRun[this.#placeOf(fileName)] = 1;
  }

  /** The key of the host on which it lies; undefined when this run does not know. */
  liesOn(fileName: string): string | undefined {
    return this.#keys[this.#lies[this.#placeOf(fileName)] ?? -1];
  }

  #placeOf(fileName: string): number {
    return this.#options.folder.places.get(fileName) ?? -1;
  }

  /** Gives the host, which has the recording itself, its denoised audio. @throws EngineError when it cannot be had */
  async bring(recording: Recording, host: EngineHost, signal: AbortSignal): Promise<Brought> {
    const { fileName } = recording;
    const sources = await this.#sources(fileName, host, signal);
    const holders = this.#holders(fileName, sources).filter((source) => !sharesFiles(source, host));
    const troubles: Error[] = [];
    const endsAt = performance.now() + BRING_MS;
    const within = (ms: number): AbortSignal => {
      const leftMs = Math.ceil(Math.max(1, Math.min(ms, endsAt - performance.now())));
      return AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
    };
    const tried = async (of: EngineHost, work: (limit: AbortSignal) => Promise<Brought>, limitMs: number) => {
      const limit = within(limitMs);
      try {
        await of.look(AbortSignal.any([limit, AbortSignal.timeout(LOOK_MS)]));
        const brought = await work(limit);
        this.#doubted.delete(of.key);
        this.#waitsSince.delete(fileName);
        return brought;
      } catch (error) {
        // What goes wrong with the host that is given the audio is its own fault, but not that it took longer than a copy is waited
        // for; any other may be better with the next one.
        const isOfTarget = error instanceof EngineError && error.host === host.url;
        if (signal.aborted || (isOfTarget && !limit.aborted)) throw error;
        if (error instanceof EngineError && error.fault === "host" && !isOfTarget)
          this.#doubted.set(of.key, performance.now() + DOUBT_MS);
        troubles.push(error as Error);
        return null;
      }
    };
    const copyMs = Math.ceil(COPY_MS + COPY_MS_PER_BYTE * recording.bytes);
    for (const isDoubted of [false, true]) {
      for (const source of holders) {
        if (this.#isDoubted(source) !== isDoubted) continue;
        const copy = (limit: AbortSignal): Promise<Brought> => this.#copy(recording, source, host, limit);
        const copied = await tried(source, copy, isDoubted ? LAST_COPY_MS : copyMs);
        if (copied) return copied;
      }
      for (const source of sources) {
        if (this.#isDoubted(source) !== isDoubted) continue;
        const giveBack = await this.#options.slots.take(source, within(SLOT_MS)).catch(() => null);
        if (signal.aborted) throw stopped(host);
        if (giveBack === null) {
          troubles.push(busy(source));
          continue;
        }
        const make = (limit: AbortSignal): Promise<Brought> =>
          this.#makeAgain(recording, source, host, limit, giveBack);
        const made = await tried(source, make, MAKE_MS).finally(giveBack);
        if (made) return made;
      }
    }
    throw new EngineError(
      `${host.name} has no denoised audio of ${fileName}, and it could be neither copied nor made again: ` +
        (troubles.map(({ message }) => message).join(" ") || "no host of denoise is known."),
      // Not the fault of the host that lacks it: another attempt may find a host of denoise again.
      { status: 404, type: "variant-missing", fault: this.#mayWait(fileName, troubles) ? "elsewhere" : "answer" },
    );
  }

  /** Whether the file is to wait for a host of denoise: none was there, and not for too long. */
  #mayWait(fileName: string, troubles: readonly Error[]): boolean {
    const isAway = (error: Error): boolean => error instanceof EngineError && AWAY.has(error.fault);
    if (troubles.length === 0 || !troubles.every(isAway)) return false;
    const now = performance.now();
    const since = this.#waitsSince.get(fileName) ?? now;
    this.#waitsSince.set(fileName, since);
    return now - since < this.#options.patienceMs;
  }

  /** Whether the host did not answer when it was asked last, here or as a host of files. */
  #isDoubted({ key }: EngineHost): boolean {
    const until = this.#doubted.get(key);
    if (until !== undefined) return performance.now() < until;
    return this.#options.hostStates.get(key)?.condition === "ejected";
  }

  /** Ends what was started. */
  async close(hurry?: AbortSignal): Promise<void> {
    const engines = await this.#engines?.catch(() => null);
    this.#unwatch?.();
    await engines?.stop(hurry);
  }

  async #begin(): Promise<RunningEngines> {
    const engines = await this.#options.denoise();
    this.#hosts = engines.hosts;
    this.#unwatch = engines.watch?.(
      (hosts) => (this.#hosts = hosts),
      // The stage that is at work says so.
      () => undefined,
    );
    return engines;
  }

  /** The hosts of denoise: that of the host itself, where it has one, then the one on which the recording lies. @throws EngineError */
  async #sources(fileName: string, host: EngineHost, signal: AbortSignal): Promise<EngineHost[]> {
    const key = this.liesOn(fileName);
    const rank = (source: EngineHost): number =>
      sharesFiles(source, host) || source.key === host.key ? 0 : source.key === key ? 1 : 2;
    try {
      this.#engines ??= this.#begin();
      await unlessAborted(this.#engines, signal);
      const hosts = this.#hosts;
      // Those of one rank in an order of the file's own: not all files are to be made by the same host.
      const turn = hosts.length === 0 ? 0 : fileName.length % hosts.length;
      return [...hosts.slice(turn), ...hosts.slice(0, turn)].toSorted((a, b) => rank(a) - rank(b));
    } catch (error) {
      if (signal.aborted) throw stopped(host);
      // The next file starts them anew.
      this.#engines = null;
      if (error instanceof EngineError) throw error;
      const message = `${host.name} has no denoised audio of ${fileName}, and no host of denoise can be had: ${(error as Error).message}`;
      throw new EngineError(message, { status: null, type: "variant-missing", fault: "answer", cause: error });
    }
  }

  /** Hosts that may have the audio; of a recording that has changed, only the one that made it in this run. */
  #holders(fileName: string, sources: readonly EngineHost[]): EngineHost[] {
    const key = this.liesOn(fileName);
    const isHolder = ({ key: own }: EngineHost): boolean => own === key;
    if (this.#options.hasChanged(fileName))
      return this.#isOfThisRun[this.#placeOf(fileName)] === 1 ? sources.filter(isHolder) : [];
    return sources.toSorted((a, b) => Number(isHolder(b)) - Number(isHolder(a)));
  }

  async #copy({ fileName }: Recording, source: EngineHost, host: EngineHost, signal: AbortSignal): Promise<Brought> {
    const { batchId, client } = this.#options;
    const { answer } = await client.copyDenoised(source, host, batchId, fileName, signal);
    return { copiedFrom: source.url, ...answer };
  }

  async #makeAgain(
    { fileName, path }: Recording,
    source: EngineHost,
    host: EngineHost,
    signal: AbortSignal,
    giveBack: () => void,
  ): Promise<Brought> {
    const { batchId, client, noteFiles } = this.#options;
    await noteFiles(filesOf(source));
    await client.upload(source, batchId, fileName, path, signal);
    await client.process(source, "denoise", { batch_id: batchId, file_name: fileName }, denoiseResponse, signal);
    giveBack();
    if (!sharesFiles(source, host)) await client.copyDenoised(source, host, batchId, fileName, signal);
    this.noteDenoised(fileName, source.key);
    return { madeOn: source.url };
  }
}

function sharesFiles(a: EngineHost, b: EngineHost): boolean {
  return filesOf(a).place === filesOf(b).place;
}

function busy({ name }: EngineHost): EngineError {
  const message = `All slots of ${name} were in use for ${SLOT_MS / 1_000} s.`;
  return new EngineError(message, { status: null, type: "engine-busy", fault: "busy" });
}

function stopped({ name }: EngineHost): EngineError {
  return new EngineError(`The request to ${name} was stopped.`, { status: null, type: "stopped", fault: "host" });
}
