import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WorkerPool } from "@cofi/engines/worker-pool";
import { temporaryFolder, until } from "./support.js";

/** Doubles numbers; some it refuses, dies of or never finishes. */
const WORKER = `
import { serveJobs } from ${JSON.stringify(pathToFileURL(createRequire(import.meta.url).resolve("@cofi/engines/worker-jobs")))};
serveJobs(async ({ number, started }) => {
  if (started) Atomics.store(started, 0, 1);
  if (number === 13) throw new Error("not thirteen");
  if (number === 14) process.exit(3);
  if (number === 15) for (;;);
  return { output: number * 2 };
});
`;

interface Job {
  number: number;
  started?: Int32Array;
}

describe("worker pool", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let module: URL;
  beforeAll(async () => {
    folder = await temporaryFolder();
    const path = join(folder.path, "worker.mjs");
    await writeFile(path, WORKER);
    module = pathToFileURL(path);
  });
  afterAll(() => folder.remove());

  /** A job that is never done, once it has begun. */
  async function endless(pool: WorkerPool<Job, number>, gone?: AbortSignal): Promise<{ result: Promise<number> }> {
    const started = new Int32Array(new SharedArrayBuffer(4));
    const result = pool.run({ number: 15, started }, gone ? { gone } : {});
    result.catch(() => undefined);
    await until(() => Atomics.load(started, 0) === 1);
    return { result };
  }

  it("does many jobs with few threads, and fails only those that fail", async () => {
    const pool = new WorkerPool<Job, number>(module, 2);
    const numbers = [11, 12, 13, 14, 16, 17];
    const results = await Promise.allSettled(numbers.map((number) => pool.run({ number })));
    expect(results.map((result) => (result.status === "fulfilled" ? result.value : String(result.reason)))).toEqual([
      22,
      24,
      "Error: not thirteen",
      "Error: the worker ended with code 3",
      32,
      34,
    ]);
    await pool.close();
  });

  it("continues after an input that cannot be sent", async () => {
    const pool = new WorkerPool<Job | { call(): void }, number>(module, 1);
    await expect(pool.run({ call: () => undefined })).rejects.toThrow(/could not be cloned/);
    expect(await pool.run({ number: 1 })).toBe(2);
    await pool.close();
  });

  it("ends a thread that does not come to an end when its job is given up, and a waiting job before it begins", async () => {
    const pool = new WorkerPool<Job, number>(module, 1);
    const client = new AbortController();
    const { result } = await endless(pool, client.signal);
    const waiting = pool.run({ number: 15 }, { gone: client.signal });
    const next = pool.run({ number: 4 });
    client.abort(new Error("given up"));
    await expect(result).rejects.toThrow("given up");
    await expect(waiting).rejects.toThrow("given up");
    expect(await next).toBe(8);
    await expect(pool.run({ number: 5 }, { gone: client.signal })).rejects.toThrow("given up");
    await pool.close();
  });

  it("rejects unfinished work when it is closed", async () => {
    const pool = new WorkerPool<Job, number>(module, 1);
    const { result } = await endless(pool);
    const waiting = pool.run({ number: 1 });
    const both = Promise.allSettled([result, waiting]);
    await pool.close();
    expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(pool.run({ number: 1 })).rejects.toThrow("the worker pool is closed");
  });
});
