/** SIGTERM ends `cofi run` in every state, with exit code 130 and within seconds of the grace period; nothing acknowledged is lost. */
import { execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { stallingProxy } from "../support/stalling-proxy.js";
import { CALLS, stoppableRun, terminated, type StoppableRun } from "../support/stoppable-run.js";

/** The grace period, five seconds for the last resort, and what a busy machine takes to start and end a process. */
const MOST_MS = 30_000;

let run: StoppableRun;
beforeEach(async () => {
  run = await stoppableRun(inject("serverUrl"));
});
afterEach(() => run.close());

async function endsOn(child: ChildProcess): Promise<number | null> {
  const { code, ms } = await terminated(child);
  expect(ms).toBeLessThan(MOST_MS);
  return code;
}

test("while an engine hangs; the next run finishes the batch", async () => {
  run.engine.plan("denoise", "a.wav", "hang");
  const path = await run.folder();
  const child = run.start(path);
  await run.engine.asked("denoise", "a.wav");
  expect(await endsOn(child)).toBe(130);
  expect(run.output()).toMatch(/interrupted\. Stopped/);
  const again = run.start(path);
  const [code] = (await once(again, "exit")) as [number];
  expect(code).toBe(0);
  const database = await openDatabase(run.url);
  const runs = await new Store(database).runs(1);
  await database.close();
  expect(runs.map(({ outcome }) => outcome)).toEqual(["interrupted", "completed"]);
});

test("while the disk is full", async () => {
  run.engine.plan("ivr", "a.wav", "hang");
  const child = run.start(await run.folder());
  await run.engine.asked("ivr", "a.wav");
  execFileSync("prlimit", ["--pid", String(child.pid), "--fsize=1"]);
  expect(await endsOn(child)).toBe(130);
});

test("while the network to the database is dead, in the middle of a batch", async () => {
  const proxy = await stallingProxy(Number(new URL(run.url).port));
  const through = new URL(run.url);
  through.port = String(proxy.port);
  try {
    run.engine.plan("denoise", "a.wav", "hang");
    const child = run.start(await run.folder(), through.href);
    await run.engine.asked("denoise", "a.wav");
    proxy.stall();
    expect(await endsOn(child)).toBe(130);
  } finally {
    proxy.close();
  }
});

test("while the database does not answer at the start", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const nowhere = new URL(run.url);
  nowhere.port = String((silent.address() as AddressInfo).port);
  const connected = once(silent, "connection");
  try {
    const child = run.start(await run.folder(), nowhere.href);
    const [socket] = (await connected) as [Socket];
    expect(await endsOn(child)).toBe(130);
    socket.destroy();
  } finally {
    silent.close();
  }
});

test("a header of 80,000 columns is read in no time, and a CSV file that is a pipe is refused", async () => {
  const columns = Array.from({ length: 80_000 }, (_, n) => `column_${n}`).join(",");
  const [header = "", ...rows] = CALLS.trim().split("\n");
  const wide = [`${header},${columns}`, ...rows.map((row) => row + ",".repeat(80_000))].join("\n");
  const path = await run.folder(wide);
  const whole = run.start(path);
  const [code] = (await once(whole, "exit")) as [number];
  expect([code, run.output()]).toEqual([0, expect.stringMatching(/Batch 1 completed/)]);
  await rm(join(path, "calls.csv"));
  execFileSync("mkfifo", [join(path, "calls.csv")]);
  const piped = run.start(path);
  const [refused] = (await once(piped, "exit")) as [number];
  expect([refused, run.output()]).toEqual([2, expect.stringMatching(/calls\.csv is not a file/)]);
});
