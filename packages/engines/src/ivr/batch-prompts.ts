import { availableParallelism } from "node:os";
import { stat } from "node:fs/promises";
import type { CallSound } from "./call-anatomy.js";
import type { Prompt } from "./fingerprint.js";
import { EngineProblem } from "../server/problem.js";
import type { FileStore } from "../server/stage-engine.js";

/** A recording as it was read and measured. */
export interface MeasuredCall {
  duration_s: number;
  notes: string[];
  sound: CallSound;
}

/** So many recordings of a batch are listened to before the first is answered: what their openings have in common is what repeats. */
const SAMPLE = 12;

/** So many batches are remembered, those that were asked about last. */
const BATCHES = 4;

/** What is known of one batch. */
interface Known {
  /** The sample; it is the same until the recordings on this host are others. */
  paths: readonly string[];
  /** When the first of the sample was written. */
  writtenAt: number | undefined;
  prompts: Promise<Prompt[]> | undefined;
  /** The sample's recordings that were not asked about so far, by path. */
  measured: Map<string, { mtimeMs: number; call: MeasuredCall }>;
}

export interface BatchPromptsOptions {
  /** Throws `EngineProblem` 422 for what cannot be read. */
  measure: (path: string, signal: AbortSignal) => Promise<MeasuredCall>;
  learn: (calls: CallSound[], signal: AbortSignal) => Promise<Prompt[]>;
}

/**
 * What the recordings of a batch on this host have in common. The sample is the same in whatever order they are asked about: the
 * names of their folders are hashes. Its recordings are measured once: their own requests take what was measured.
 */
export class BatchPrompts {
  readonly #options: BatchPromptsOptions;
  readonly #closing = new AbortController();
  readonly #batches = new Map<number, Known>();

  constructor(options: BatchPromptsOptions) {
    this.#options = options;
  }

  async of(batchId: number, files: FileStore): Promise<Prompt[]> {
    const known = this.#known(batchId);
    // With a whole sample more recordings change nothing, unless another batch has come in the place of this one.
    const isWhole = known.paths.length === SAMPLE && (await writtenAt(known.paths[0])) === known.writtenAt;
    const paths = isWhole ? known.paths : await files.originals(batchId, SAMPLE);
    const written = isWhole ? known.writtenAt : await writtenAt(paths[0]);
    if (paths.join() !== known.paths.join() || written !== known.writtenAt) known.prompts = undefined;
    Object.assign(known, { paths, writtenAt: written });
    const prompts = (known.prompts ??= this.#learn(known));
    return prompts.catch((error: unknown) => {
      // The next request tries again.
      if (known.prompts === prompts) known.prompts = undefined;
      throw error;
    });
  }

  /** What was measured of a recording, once; `undefined` where it was not, or has changed since. */
  async take(batchId: number, path: string): Promise<MeasuredCall | undefined> {
    const { measured } = this.#known(batchId);
    const found = measured.get(path);
    measured.delete(path);
    return found && found.mtimeMs === (await writtenAt(path)) ? found.call : undefined;
  }

  close(): void {
    this.#closing.abort(new Error("The engine is being stopped."));
  }

  #known(batchId: number): Known {
    const known = this.#batches.get(batchId) ?? {
      paths: [],
      writtenAt: undefined,
      prompts: undefined,
      measured: new Map(),
    };
    this.#batches.delete(batchId);
    this.#batches.set(batchId, known);
    const [oldest] = this.#batches.keys();
    if (this.#batches.size > BATCHES && oldest !== undefined) this.#batches.delete(oldest);
    return known;
  }

  async #learn({ paths, measured }: Known): Promise<Prompt[]> {
    const { signal } = this.#closing;
    const sounds: CallSound[] = [];
    const waiting = paths.entries();
    const measureNext = async (): Promise<void> => {
      for (const [place, path] of waiting) {
        try {
          const mtimeMs = await writtenAt(path);
          if (mtimeMs === undefined) continue;
          const call = await this.#options.measure(path, signal);
          measured.set(path, { mtimeMs, call });
          sounds[place] = call.sound;
        } catch (error) {
          // Its own request says what is wrong with it. It teaches nothing.
          if (!(error instanceof EngineProblem)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, measureNext));
    return this.#options.learn(Object.values(sounds), signal);
  }
}

/** As the file system says; `undefined` for a recording that is not there. */
async function writtenAt(path: string | undefined): Promise<number | undefined> {
  if (path === undefined) return undefined;
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return facts?.mtimeMs;
}
