/** SIGTERM ends `cofi run` in every state, with exit code 130 and within seconds of the grace period; nothing acknowledged is lost. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { createDatabaseOn } from "../support/mariadb.js";
import { startScriptedEngine, type ScriptedEngine } from "../support/scripted-engine.js";
import { stallingProxy } from "../support/stalling-proxy.js";

const COFI = fileURLToPath(new URL("../../packages/cli/bin/cofi.js", import.meta.url));
/** The grace period, five seconds for the last resort, and what a busy machine takes to start and end a process. */
const GRACE_S = 1;
const MOST_MS = 30_000;

const FILES = ["a.wav", "b.wav"];
const CALLS = `call_id,file_name,start_time,duration_s\n${FILES.map((file, n) => `C${n},${file},2026-11-20T09:00:00Z,10`).join("\n")}\n`;
const TRADES =
  "trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price\nT1,2026-11-20T09:00:05Z,AB1,D1,INFY,BUY,200,1500\n";

let root: string;
let engine: ScriptedEngine;
let url: string;
let drop: () => Promise<void>;
let running: ChildProcess | undefined;
let output = "";

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-stopping-"));
  engine = await startScriptedEngine();
  ({ url, drop } = await createDatabaseOn(inject("mariadbUrl")));
  const database = await openDatabase(url);
  await migrate(database);
  await database.close();
  output = "";
});
afterEach(async () => {
  running?.kill("SIGKILL");
  await engine.close();
  await drop();
  await rm(root, { recursive: true, force: true });
});

async function folder(calls = CALLS): Promise<string> {
  const path = join(root, "batch");
  await mkdir(path);
  for (const name of FILES) await writeFile(join(path, name), "audio");
  await writeFile(join(path, "trades.csv"), TRADES);
  await writeFile(join(path, "calls.csv"), calls);
  return path;
}

/** Writes beyond a limit of file size fail as on a full disk, because the signal that would end the process is ignored. */
async function start(path: string, databaseUrl = url): Promise<ChildProcess> {
  const engines = STAGES.filter(({ kind }) => kind === "engine").map(({ name }) => name);
  const { PATH = "", HOME = "" } = process.env;
  const env = {
    PATH,
    HOME,
    COFI_DATA_DIR: join(root, "data"),
    COFI_DATABASE_URL: databaseUrl,
    COFI_GRACE_PERIOD_S: String(GRACE_S),
    ...Object.fromEntries(
      ["file_distribution", ...engines].map((name) => [`COFI_ENGINE_${name.toUpperCase()}_URLS`, engine.url]),
    ),
  };
  const ignoring = 'trap "" XFSZ; exec "$@"';
  const child = spawn("sh", ["-c", ignoring, "sh", process.execPath, COFI, "run", path], { env, stdio: "pipe" });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  running = child;
  return child;
}

async function endsOn(child: ChildProcess): Promise<number | null> {
  const started = performance.now();
  child.kill("SIGTERM");
  const [code] = (await once(child, "exit")) as [number | null];
  expect(performance.now() - started).toBeLessThan(MOST_MS);
  return code;
}

test("while an engine hangs; the next run finishes the batch", async () => {
  engine.plan("denoise", "a.wav", "hang");
  const path = await folder();
  const child = await start(path);
  await engine.asked("denoise", "a.wav");
  expect(await endsOn(child)).toBe(130);
  expect(output).toMatch(/interrupted\. Stopped/);
  const again = await start(path);
  const [code] = (await once(again, "exit")) as [number];
  expect(code).toBe(0);
  const database = await openDatabase(url);
  const runs = await new Store(database).runs(1);
  await database.close();
  expect(runs.map(({ outcome }) => outcome)).toEqual(["interrupted", "completed"]);
});

test("while the disk is full", async () => {
  engine.plan("ivr", "a.wav", "hang");
  const child = await start(await folder());
  await engine.asked("ivr", "a.wav");
  execFileSync("prlimit", ["--pid", String(child.pid), "--fsize=1"]);
  expect(await endsOn(child)).toBe(130);
});

test("while the network to the database is dead, in the middle of a batch", async () => {
  const proxy = await stallingProxy(Number(new URL(url).port));
  const through = new URL(url);
  through.port = String(proxy.port);
  try {
    engine.plan("denoise", "a.wav", "hang");
    const child = await start(await folder(), through.href);
    await engine.asked("denoise", "a.wav");
    proxy.stall();
    expect(await endsOn(child)).toBe(130);
  } finally {
    proxy.close();
  }
});

test("while the database does not answer at the start", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const nowhere = new URL(url);
  nowhere.port = String((silent.address() as AddressInfo).port);
  const connected = once(silent, "connection");
  try {
    const child = await start(await folder(), nowhere.href);
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
  const path = await folder(wide);
  const whole = await start(path);
  const [code] = (await once(whole, "exit")) as [number];
  expect([code, output]).toEqual([0, expect.stringMatching(/Batch 1 completed/)]);
  await rm(join(path, "calls.csv"));
  execFileSync("mkfifo", [join(path, "calls.csv")]);
  const piped = await start(path);
  const [refused] = (await once(piped, "exit")) as [number];
  expect([refused, output]).toEqual([2, expect.stringMatching(/calls\.csv is not a file/)]);
});
