/**
 * What can happen between the log call and the stored row, one scenario after the other. The ledger is kept outside of the
 * writer: what it said was acknowledged must be stored, once, in order. Prints a table; `npm run faults` runs the long form.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createConnection, type Connection } from "mysql2/promise";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { startServer, type TestServer } from "../support/server.js";
import { stallingProxy, type StallingProxy } from "../support/stalling-proxy.js";

const IS_LONG = process.env["COFI_FAULT_ROUNDS"] !== undefined;
const EVENTS_A_SECOND = 1_000;
const WRITER = fileURLToPath(new URL("scenario-writer.mjs", import.meta.url));

let folder: string;
let server: TestServer;
let url: string;
let database: Database;
let store: Store;
let admin: Connection;
let proxy: StallingProxy;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-scenarios-"));
  server = await startServer({ durable: true });
  url = await server.createDatabase();
  proxy = await stallingProxy(server.port);
  await connect();
  await migrate(database);
});
afterAll(async () => {
  await database.close();
  admin.destroy();
  proxy.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
  await report();
});

async function connect(): Promise<void> {
  database = await openDatabase(url);
  store = new Store(database);
  admin = await createConnection({ uri: url });
}

async function afterRestart(): Promise<void> {
  await database.close();
  admin.destroy();
  await connect();
}

interface Scenario {
  name: string;
  /** Injects, waits, heals. `say`: a line for the writer. */
  run(context: { batchId: number; spoolDir: string; say: (line: string) => void }): Promise<void>;
  /** Before the injection; 1.2 s unless given. */
  warmUpMs?: number;
  /** Only in the long form: it takes minutes, or rights that not every machine gives. */
  long?: boolean;
  /** Before the writer starts, and after it has ended. */
  prepare?(spoolDir: string): Promise<void>;
  clean?(spoolDir: string): Promise<void>;
}

async function down(seconds: number): Promise<void> {
  await server.kill();
  await pause(seconds * 1_000);
  await server.restart();
  await afterRestart();
}

const SCENARIOS: Scenario[] = [
  { name: "nothing", run: () => pause(1_000) },
  {
    name: "connections reset, ten times",
    async run() {
      for (let n = 0; n < 10; n++) {
        await pause(100);
        proxy.cut();
      }
    },
  },
  {
    name: "answers lost after the commit, ten times",
    async run() {
      for (let n = 0; n < 10; n++) {
        await pause(150);
        proxy.loseAnswers();
      }
    },
  },
  {
    name: "network dead for 1.5 s, then back",
    async run() {
      proxy.stall();
      await pause(1_500);
      proxy.resume();
    },
  },
  {
    name: "connections half-open for good",
    async run() {
      proxy.forget();
      await pause(1_000);
    },
  },
  {
    name: "every packet 200 ms late",
    async run() {
      proxy.delay(200);
      await pause(1_500);
      proxy.delay(0);
    },
  },
  { name: "the server killed and started again", run: () => down(0) },
  { name: "database down for 3 s", run: () => down(3) },
  { name: "database down for 2 minutes", long: true, warmUpMs: 15_000, run: () => down(120) },
  {
    name: "all tables locked for 1.5 s",
    async run() {
      await admin.query("FLUSH TABLES WITH READ LOCK");
      await pause(1_500);
      await admin.query("UNLOCK TABLES");
    },
  },
  {
    name: "the batch's row locked, and lock waits time out",
    async run({ batchId }) {
      await admin.query("SET GLOBAL innodb_lock_wait_timeout = 1");
      await admin.beginTransaction();
      await admin.query("SELECT * FROM batchStatus WHERE id = ? FOR UPDATE", [batchId]);
      proxy.cut();
      await pause(2_500);
      await admin.rollback();
      await admin.query("SET GLOBAL innodb_lock_wait_timeout = 50");
    },
  },
  {
    name: "no connection to be had",
    async run() {
      const [[{ most }]] = (await admin.query("SELECT @@max_connections AS most")) as unknown as [[{ most: number }]];
      await admin.query("SET GLOBAL max_connections = 10");
      const taken: Connection[] = [];
      proxy.cut();
      for (let n = 0; n < 12; n++)
        await createConnection({ uri: url }).then(
          (one) => taken.push(one),
          () => undefined,
        );
      await pause(1_000);
      await admin.query(`SET GLOBAL max_connections = ${most}`);
      for (const one of taken) one.destroy();
    },
  },
  {
    name: "the writer's clock jumps by hours, forth and back",
    async run({ say }) {
      for (const hours of [5, -9, 0]) {
        say(`clock ${hours * 3_600_000}`);
        await pause(400);
      }
    },
  },
  {
    name: "the spool's disk full (tmpfs of 12 MB, database down)",
    long: true,
    async prepare(spoolDir) {
      await mkdir(spoolDir);
      const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", spoolDir], {
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(`This scenario needs the right to mount a tmpfs: ${stderr}`);
    },
    run: () => down(5),
    async clean(spoolDir) {
      spawnSync("umount", [spoolDir]);
    },
  },
];

interface Row {
  injected: string;
  acknowledged: number;
  stored: number;
  lost: number;
  doubled: number;
  disordered: number;
  drainMs: number;
  p50: number;
  p99: number;
  max: number;
  growthMb: number;
}
const rows: Row[] = [];

test.each(SCENARIOS.filter(({ long }) => IS_LONG || !long))("$name", { timeout: 300_000 }, async (scenario) => {
  const batch = await store.createBatch({ name: scenario.name, folder: null });
  const spoolDir = join(folder, `spool-${batch.id}`);
  await scenario.prepare?.(spoolDir);
  const through = url.replace(`:${server.port}/`, `:${proxy.port}/`);
  const writer = spawn(process.execPath, [WRITER, through, spoolDir, String(batch.id), String(EVENTS_A_SECOND)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(writer, "close");
  const acknowledged: string[] = [];
  let last = "";
  const lines = createInterface({ input: writer.stdout });
  lines.on("line", (line) => {
    if (/^\d+$/.test(line)) acknowledged.push(line);
    else last = line;
  });
  await once(lines, "line");
  // What the engine takes to warm up is not growth.
  await pause(scenario.warmUpMs ?? 1_200);
  writer.stdin.write("baseline\n");
  await scenario.run({ batchId: batch.id, spoolDir, say: (line) => writer.stdin.write(`${line}\n`) });
  await pause(500);
  writer.stdin.write("drain\n");
  try {
    expect(await ended).toEqual([0, null]);
  } finally {
    writer.kill("SIGKILL");
    await scenario.clean?.(spoolDir);
  }
  const figures = JSON.parse(last) as Row & { logged: number; threw: number };

  const [stored] = (await admin.query("SELECT fileName FROM batchExecutionLog WHERE batchId = ? ORDER BY id", [
    batch.id,
  ])) as unknown as [{ fileName: string }[]];
  const names = stored.map(({ fileName }) => Number(fileName));
  const known = new Set(names);
  const row: Row = {
    injected: scenario.name,
    acknowledged: acknowledged.length,
    stored: names.length,
    lost: acknowledged.filter((name) => !known.has(Number(name))).length,
    doubled: names.length - known.size,
    disordered: names.filter((name, index) => index > 0 && name < names[index - 1]!).length,
    drainMs: figures.drainMs,
    p50: figures.p50,
    p99: figures.p99,
    max: figures.max,
    growthMb: figures.growthMb,
  };
  rows.push(row);
  expect(row).toMatchObject({ lost: 0, doubled: 0, disordered: 0 });
  expect(figures.threw).toBe(0);
  expect(row.acknowledged).toBe(figures.logged);
  expect(row.acknowledged).toBeGreaterThan(EVENTS_A_SECOND);
});

async function report(): Promise<void> {
  const head = [
    "injected",
    "acknowledged",
    "stored",
    "lost",
    "doubled",
    "out of order",
    "drained in",
    "ack p50 / p99 / max",
    "memory growth",
  ];
  const lines = rows.map((row) => [
    row.injected,
    row.acknowledged,
    row.stored,
    row.lost,
    row.doubled,
    row.disordered,
    `${(row.drainMs / 1_000).toFixed(1)} s`,
    [row.p50, row.p99, row.max].map((ms) => ms.toFixed(1)).join(" / ") + " ms",
    `${Math.max(0, row.growthMb).toFixed(0)} MB`,
  ]);
  const table = [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  console.log(table);
  await mkdir("test-results", { recursive: true });
  await writeFile("test-results/faults.md", `${table}\n`);
}
