import { Worker } from "node:worker_threads";

/** What the pool and its workers say to each other. */
export interface WorkerRequest<Input> {
  id: number;
  input: Input;
}
export type WorkerReply<Output> = { id: number; output: Output } | { id: number; error: string };

interface Job<Input, Output> {
  id: number;
  input: Input;
  transfer: ArrayBuffer[];
  resolve(output: Output): void;
  reject(error: Error): void;
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

  /** Runs one job; the buffers in `transfer` are moved to the thread and empty afterwards. */
  run(input: Input, transfer: ArrayBuffer[] = []): Promise<Output> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id: this.#nextId++, input, transfer, resolve, reject });
      this.#dispatch();
    });
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
      worker.postMessage(request, job.transfer);
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
