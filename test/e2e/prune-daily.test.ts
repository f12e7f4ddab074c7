/** `cofi serve` with COFI_PRUNE_AT: it prunes when the time has come, and ends when it is asked to. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCofi, startCofi, type CofiProcess } from "../support/cofi.js";

const { href: CLOCK } = new URL("../support/frozen-clock.mjs", import.meta.url);
const HOLDER = fileURLToPath(new URL("../../packages/event-log/test/sqlite-holder.mjs", import.meta.url));
const MINUTE = 60_000;

let folder: string;
let env: Record<string, string>;
let serve: CofiProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-daily-"));
  const due = new Date(Math.ceil(Date.now() / MINUTE) * MINUTE);
  env = {
    COFI_DATA_DIR: folder,
    COFI_PORT: "0",
    COFI_KEEP_PAYLOADS: "90d",
    COFI_PRUNE_AT: due.toISOString().slice(11, 16),
    // Always the moment before the time of the day comes.
    NODE_OPTIONS: `--import=${CLOCK}`,
    COFI_TEST_CLOCK: String(due.getTime() - 100),
  };
  expect(await runCofi(["migrate"], env)).toMatchObject({ code: 0 });
});
afterEach(async () => {
  serve?.kill("SIGKILL");
  await serve?.ended;
  serve = undefined;
  await rm(folder, { recursive: true, force: true });
});

test("it ends while it prunes, also while the database is held by others", async () => {
  const holder = spawn(process.execPath, [HOLDER, join(folder, "cofi.sqlite"), "write"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  const exit = once(holder, "exit");
  try {
    serve = startCofi(["serve"], env);
    await serve.printed(/retention: .*Waiting for it/);
    await serve.stop();
    expect(await serve.ended).toBe(0);
    expect(serve.output()).not.toMatch(/nothing more was removed/);
  } finally {
    holder.stdin.end();
    await exit;
  }
});

test("it prunes each time anew, and ends between two times", async () => {
  serve = startCofi(["serve"], env);
  await serve.printed(/0 batches pruned[^]*0 batches pruned/);
  await serve.stop();
  expect(await serve.ended).toBe(0);
});

test("it ends when it cannot listen", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const COFI_PORT = String((other.address() as AddressInfo).port);
  expect(await runCofi(["serve"], { ...env, COFI_PORT })).toEqual({
    code: 1,
    output: expect.stringMatching(COFI_PORT),
  });
  other.close();
});
