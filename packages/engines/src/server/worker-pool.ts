import { Worker } from "node:worker_threads";

/** The messages between the pool and its workers. */
export interface WorkerRequest<Input> {
  id: number;
  input: Input;
}
export type WorkerReply<Output> = { id: number; output: Output } | { id: number; error: string };

export interface RunOptions {
  transfer?: ArrayBuffer[];
  gone?: AbortSignal;
}

interface Job<Input, Output> {
  id: number;
  input: Input;
  transfer: ArrayBuffer[];
  resolve(output: Output): void;
  reject(reason: unknown): void;
}

/**
 * Threads that all run the same module and take one job at a time, so that heavy arithmetic does not hold up the server.
 * Threads are started when needed, up to `size`, and kept. One that dies fails its job alone and is replaced by the next.
 */
export class WorkerPool<Input, Output> {
  readonly #module: URL;
  readonly #size: number;
  readonly #workerData: unknown;
  readonly #waiting: Job<Input, Output>[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job<Input, Output>>();
  #nextId = 1;
  #closed = false;

  /** `module` answers with `serveJobs`; `workerData` is given to every thread. */
  constructor(module: URL, size: number, workerData?: unknown) {
    this.#module = module;
    this.#size = size;
    this.#workerData = workerData;
  }

  /**
   * Runs one job; the buffers in `transfer` are moved to the thread and empty afterwards. When `gone` aborts, the job is
   * rejected with the signal's reason and the thread that works on it is ended: arithmetic cannot be stopped otherwise.
   */
  async run(input: Input, { transfer = [], gone }: RunOptions = {}): Promise<Output> {
    gone?.throwIfAborted();
    const id = this.#nextId++;
    const stop = (): void => this.#abandon(id, gone?.reason);
    gone?.addEventListener("abort", stop);
    try {
      return await new Promise<Output>((resolve, reject) => {
        this.#waiting.push({ id, input, transfer, resolve, reject });
        this.#dispatch();
      });
    } finally {
      gone?.removeEventListener("abort", stop);
    }
  }

  /** Ends the threads; jobs that are not done are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const workers = [...this.#idle, ...this.#busy.keys()];
    this.#dispatch();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #dispatch(): void {
    if (this.#closed) {
      for (const job of this.#waiting.splice(0)) job.reject(new Error("the worker pool is closed"));
      return;
    }
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.#size ? this.#start() : undefined);
      const job = worker && this.#waiting.shift();
      if (!worker || !job) return;
      this.#busy.set(worker, job);
      const request: WorkerRequest<Input> = { id: job.id, input: job.input };
      try {
        worker.postMessage(request, job.transfer);
      } catch (error) {
        // The input cannot be sent, such as a buffer that was moved before: the thread has not seen the job.
        this.#busy.delete(worker);
        this.#idle.push(worker);
        job.reject(error);
      }
    }
  }

  #abandon(id: number, reason: unknown): void {
    const waiting = this.#waiting.findIndex((job) => job.id === id);
    if (waiting >= 0) this.#waiting.splice(waiting, 1)[0]?.reject(reason);
    for (const [worker, job] of this.#busy) {
      if (job.id !== id) continue;
      job.reject(reason);
      // Its answer may be on the way: it must not be given another job.
      worker.removeAllListeners("message");
      void worker.terminate();
    }
  }

  #start(): Worker {
    const worker = new Worker(this.#module, { workerData: this.#workerData });
    worker.on("message", (reply: WorkerReply<Output>) => {
      const job = this.#busy.get(worker);
      if (job?.id !== reply.id) return;
      this.#busy.delete(worker);
      this.#idle.push(worker);
      if ("error" in reply) job.reject(new Error(reply.error));
      else job.resolve(reply.output);
      this.#dispatch();
    });
    let reason: Error | undefined;
    worker.on("error", (error: Error) => {
      reason = error;
    });
    worker.on("exit", (code) => this.#lost(worker, reason ?? new Error(`the worker ended with code ${code}`)));
    return worker;
  }

  #lost(worker: Worker, reason: Error): void {
    const idle = this.#idle.indexOf(worker);
    if (idle >= 0) this.#idle.splice(idle, 1);
    const job = this.#busy.get(worker);
    this.#busy.delete(worker);
    job?.reject(reason);
    this.#dispatch();
  }
}
