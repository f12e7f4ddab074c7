import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // One process, one module graph a thread: tests hold no state in modules, and starting afresh for each file took six times as long.
    pool: "threads",
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is waited for comes at once on a machine with nothing else to do, and not on others.
    expect: { poll: { timeout: 20_000 } },
  },
});
