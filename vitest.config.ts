import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    setupFiles: "test/support/properties.ts",
    // One process, one module graph a thread: tests hold no state in modules, and starting afresh for each file took six times as long.
    pool: "threads",
    isolate: false,
    // Much of a test's time is waiting for other processes.
    maxWorkers: 2,
    // Every wait ends as soon as its condition holds, so these only bound a failure: generous, for machines with other work.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
