import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    pool: "threads",
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
