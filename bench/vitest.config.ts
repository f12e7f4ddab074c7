import { defineConfig } from "vitest/config";

/** Benchmarks run one after the other, each in a process of its own: nothing else may take the processor. */
export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["bench/**/*.bench.ts"],
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
    globalSetup: "bench/support/results.ts",
  },
});
