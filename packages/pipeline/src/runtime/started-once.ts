/**
 * The engines of each stage, had once in a run however many use them at the same time: the stage itself, and whoever needs one of
 * them for a file of a later stage. They end with the last of these.
 */
import type { StageName } from "@cofi/event-log/stages";
import { unlessAborted } from "../hosts/unless-aborted.js";
import type { RunningEngines, Runtime, RuntimeListener } from "./runtime.js";

type Start = (listener: RuntimeListener, signal: AbortSignal) => Promise<RunningEngines>;

/** One of those who use the engines of a stage. */
interface Use {
  listener: RuntimeListener;
  /** Aborts when they are not waited for any longer. */
  signal: AbortSignal;
}

export class StartedOnce implements Runtime {
  readonly #runtime: Runtime;
  readonly #inUse = new Map<StageName, EnginesInUse>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  async start(
    stage: StageName,
    batchId: number,
    listener: RuntimeListener,
    signal: AbortSignal,
  ): Promise<RunningEngines> {
    for (let known = this.#inUse.get(stage); known; known = this.#inUse.get(stage)) {
      if (!known.isEnding) return known.use({ listener, signal });
      await known.ended;
    }
    const start: Start = (heard, unneeded) => this.#runtime.start(stage, batchId, heard, unneeded);
    const engines = new EnginesInUse(start, listener);
    this.#inUse.set(stage, engines);
    void engines.ended.then(() => this.#inUse.delete(stage));
    return engines.use({ listener, signal });
  }

  machinesOf(stage: StageName): readonly string[] {
    return this.#runtime.machinesOf(stage);
  }
}

class EnginesInUse {
  /** Nobody uses them any more. */
  isEnding = false;
  /** Resolves when they have ended, or could not be had. */
  readonly ended: Promise<void>;
  #setEnded!: () => void;
  readonly #started: Promise<RunningEngines>;
  readonly #uses = new Set<Use>();
  readonly #unneeded = new AbortController();
  /** Is told what there is to tell: whoever came first of those who use them, and then the last. */
  #listener: RuntimeListener;

  constructor(start: Start, listener: RuntimeListener) {
    this.#listener = listener;
    this.ended = new Promise((resolve) => (this.#setEnded = resolve));
    const heard: RuntimeListener = {
      info: (message, metadata) => this.#listener.info(message, metadata),
      error: (message, metadata) => this.#listener.error(message, metadata),
    };
    this.#started = start(heard, this.#unneeded.signal);
  }

  async use(use: Use): Promise<RunningEngines> {
    this.#uses.add(use);
    const { signal } = use;
    const onAbort = (): void => {
      if ([...this.#uses].every((one) => one.signal.aborted)) this.#unneeded.abort(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    let left: Promise<void> | null = null;
    const stop = (hurry?: AbortSignal): Promise<void> => {
      signal.removeEventListener("abort", onAbort);
      return (left ??= this.#leave(use, hurry));
    };
    try {
      const engines = await unlessAborted(this.#started, signal);
      return {
        get hosts() {
          return engines.hosts;
        },
        ...(engines.watch && { watch: engines.watch.bind(engines) }),
        stop,
      };
    } catch (error) {
      await stop();
      throw error;
    }
  }

  /** With the last of those who use them they end. */
  async #leave(use: Use, hurry: AbortSignal | undefined): Promise<void> {
    this.#uses.delete(use);
    const [next] = this.#uses;
    if (next) {
      this.#listener = next.listener;
      return;
    }
    this.isEnding = true;
    try {
      // Those that are being started are not waited for until they are ready.
      if (use.signal.aborted) this.#unneeded.abort(use.signal.reason);
      const engines = await this.#started.catch(() => null);
      await engines?.stop(hurry);
    } finally {
      this.#setEnded();
    }
  }
}
