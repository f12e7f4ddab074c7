/** The variants of a recording that engines derive from the original. */
export type Variant = "denoised";

/** Names the software and the model behind an answer, as every response carries it. */
export interface EngineIdentity {
  name: string;
  version: string;
  model: string;
}

/**
 * The recordings that have been uploaded to this host. Paths are safe to hand to other programs whatever the file is
 * called: the name of a recording never becomes part of a path.
 */
export interface FileStore {
  /** Path of the uploaded recording. Throws `EngineProblem` 404 `file-missing`. */
  original(batchId: number, fileName: string): Promise<string>;
  /** Paths of up to `most` of the batch's uploaded recordings that are on this host: the same ones, and in the same order, as long as no others come. */
  originals(batchId: number, most: number): Promise<string[]>;
  /** Path of a derived recording. Throws `EngineProblem` 404 `variant-missing`. */
  variant(batchId: number, fileName: string, variant: Variant): Promise<string>;
  /**
   * Stores a derived recording beside the original, whole or not at all, and returns its path. Throws 404 `file-missing`
   * when the original has been deleted meanwhile.
   */
  writeVariant(batchId: number, fileName: string, variant: Variant, content: Uint8Array): Promise<string>;
}

/**
 * One stage's work. A module that implements a stage exports `createEngine(): StageEngine`; the server adds `engine` and
 * `elapsed_ms` to what `process` returns.
 */
export interface StageEngine {
  stage: string;
  engine: EngineIdentity;
  /** Loads models and checks the programs it needs. The server answers 503 `loading` until it resolves. */
  load(): Promise<void>;
  /**
   * Answers `POST /v1/{stage}`: `body` is the parsed JSON payload, not validated; the result is the response of
   * docs/engines.md. Throws `EngineProblem` for input it cannot process. Called up to `concurrency` times at once, so
   * work that keeps a processor busy belongs in a worker thread or a child process. When `gone` aborts, nobody waits for the
   * answer any more: programs and threads that work on it are ended, so that a request that is sent again does not share the
   * processor with the one before.
   */
  process(body: unknown, files: FileStore, gone: AbortSignal): Promise<object>;
  close(): Promise<void>;
}
