/** `cofi run` on a batch of two files with engines that answer as scripted, for tests that stop it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { STAGES } from "@cofi/event-log/stages";
import { createDatabaseOn } from "./server.js";
import { startScriptedEngine, type ScriptedEngine } from "./scripted-engine.js";

const COFI = fileURLToPath(new URL("../../packages/cli/bin/cofi.js", import.meta.url));
const GRACE_S = 1;

const FILES = ["a.wav", "b.wav"];
export const CALLS = `call_id,file_name,start_time,duration_s\n${FILES.map((file, n) => `C${n},${file},2026-11-20T09:00:00Z,10`).join("\n")}\n`;
const TRADES =
  "trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price\nT1,2026-11-20T09:00:05Z,AB1,D1,INFY,BUY,200,1500\n";

export interface StoppableRun {
  readonly engine: ScriptedEngine;
  /** A migrated database of its own. */
  readonly url: string;
  /** Makes the folder of the batch. */
  folder(calls?: string): Promise<string>;
  /**
   * Starts `cofi run`. Writes beyond a limit of file size fail as on a full disk, because the signal that would end the
   * process is ignored. `settings`: environment variables.
   */
  start(path: string, databaseUrl?: string, settings?: Record<string, string>): ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** Ends what runs, and removes what was made. */
  close(): Promise<void>;
}

/** Prepares a run with a database of its own on the server at `serverUrl`, and a grace period of a second. */
export async function stoppableRun(serverUrl: string): Promise<StoppableRun> {
  const root = await mkdtemp(join(tmpdir(), "cofi-stopping-"));
  const engine = await startScriptedEngine();
  const { url, drop } = await createDatabaseOn(serverUrl);
  const database = await openDatabase(url);
  await migrate(database);
  await database.close();
  let running: ChildProcess | undefined;
  let output = "";
  return {
    engine,
    url,
    output: () => output,
    async folder(calls = CALLS) {
      const path = join(root, "batch");
      await mkdir(path);
      for (const name of FILES) await writeFile(join(path, name), "audio");
      await writeFile(join(path, "trades.csv"), TRADES);
      await writeFile(join(path, "calls.csv"), calls);
      return path;
    },
    start(path, databaseUrl = url, settings = {}) {
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
        ...settings,
      };
      const ignoring = 'trap "" XFSZ; exec "$@"';
      const child = spawn("sh", ["-c", ignoring, "sh", process.execPath, COFI, "run", path], { env, stdio: "pipe" });
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text: string) => (output += text));
      running = child;
      return child;
    },
    async close() {
      running?.kill("SIGKILL");
      await engine.close();
      await drop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Sends SIGTERM and waits for the end. @returns the exit code, and how long it took */
export async function terminated(child: ChildProcess): Promise<{ code: number | null; ms: number }> {
  const started = performance.now();
  const exit = once(child, "exit") as Promise<[number | null]>;
  child.kill("SIGTERM");
  const [code] = await exit;
  return { code, ms: performance.now() - started };
}
