/** Where engines come from: started beside the pipeline, in containers, or running already on hosts of their own. */
import type { StageName } from "@cofi/event-log/stages";
import type { FilePlace } from "@cofi/event-log/store";
import type { EngineAddress } from "../hosts/engine-client.js";

/** The engine of a stage cannot be had: the stage cannot run. The message says why and what to do. */
export class EngineStartError extends Error {
  override readonly name = "EngineStartError";
}

/** One engine in use. */
export interface EngineHost extends EngineAddress {
  /** The same for the engines of one host in every stage and run; engines of hosts that share a name are told apart by it. */
  readonly key: string;
  /** Where it keeps the recordings that are put on it; null for one that is given what it needs with each question. */
  readonly files: FilePlace | null;
  /** Files it works on at once. */
  readonly slots: number;
  /** Other runs may use it at the same time. */
  readonly isShared?: boolean;
  /** Resolves when it can take a request: at once, or after it has been started again. @throws EngineStartError */
  ready(): Promise<void>;
  /**
   * One look whether it can take requests.
   * @throws EngineStartError when it does not come back, EngineError when it cannot now
   */
  look(signal: AbortSignal): Promise<void>;
  /** Told after each answer about a file: an engine that answers is not broken, whatever it did before. */
  answered?(): void;
  /** Told when a request got no answer because the connection could not be made or broke off. */
  brokeOff?(): void;
}

/** Where a host keeps the recordings that are put on it. @throws Error for a host that keeps none */
export function filesOf({ name, files }: EngineHost): FilePlace {
  if (!files) throw new Error(`${name} keeps no recordings: none can be put there.`);
  return files;
}

export interface RunningEngines {
  /** As they are known now. */
  readonly hosts: readonly EngineHost[];
  /**
   * Where hosts may join and leave: calls `changed` with all of them whenever they have, and `failed`, with a sentence, when that
   * could not be found out. @returns what ends it
   */
  watch?(changed: (hosts: readonly EngineHost[]) => void, failed: (message: string) => void): () => void;
  /**
   * Ends what was started; engines that were running already are left alone. They may finish what they are doing, until
   * `hurry` aborts. Idempotent.
   */
  stop(hurry?: AbortSignal): Promise<void>;
}

/** What a runtime has to tell while engines are in use; becomes events of the stage. */
export interface RuntimeListener {
  info(message: string, metadata: Record<string, string | number | null>): void;
  error(message: string, metadata: Record<string, string | number | null>): void;
}

export interface Runtime {
  /** Starts, or finds, the engines of a stage and waits until they are healthy. @throws EngineStartError */
  start(stage: StageName, batchId: number, listener: RuntimeListener, signal: AbortSignal): Promise<RunningEngines>;
  /** Names of the machines that a stage's engines run on, known before they are started. */
  machinesOf(stage: StageName): readonly string[];
}

/** Finds the places in which its engines keep recordings, long after the batch. */
export interface FileKeeper {
  /**
   * An engine through which the files in this place are removed, started for it if need be.
   * @returns null when this runtime does not know the place
   * @throws EngineStartError
   */
  filesAt(place: string, signal: AbortSignal): Promise<RunningEngines> | null;
}

/** Nobody reads a log of engines that were started to remove files; what goes wrong is an error of the removal. */
export const UNHEARD: RuntimeListener = { info: () => undefined, error: () => undefined };

/** The key of an engine: its host's name, and its place among those of the same name before it. */
export function keyOf(name: string, before: readonly { name: string }[]): string {
  return `${name}#${before.filter((other) => other.name === name).length}`;
}
