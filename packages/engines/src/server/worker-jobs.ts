import { parentPort } from "node:worker_threads";
import type { WorkerReply, WorkerRequest } from "./worker-pool.js";

/** The worker's side of `WorkerPool`: answers each job with the result of `work`, or with the message of its error. */
export function serveJobs<Input, Output>(
  work: (input: Input) => Promise<{ output: Output; transfer?: ArrayBuffer[] }>,
): void {
  const port = parentPort;
  if (!port) throw new Error("serveJobs must be called in a worker thread");
  const answer = async ({ id, input }: WorkerRequest<Input>): Promise<void> => {
    try {
      const { output, transfer = [] } = await work(input);
      const reply: WorkerReply<Output> = { id, output };
      port.postMessage(reply, transfer);
    } catch (error) {
      const reply: WorkerReply<Output> = { id, error: error instanceof Error ? error.message : String(error) };
      port.postMessage(reply);
    }
  };
  port.on("message", (request: WorkerRequest<Input>) => void answer(request));
}
