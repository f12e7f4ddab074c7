/** The way out: from the commit in the database to the bytes at a viewer, and to thousands of viewers. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createConnection, type Connection, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { startServer, type TestServer } from "../test/support/server.js";
import { processorSeconds, residentBytes } from "./support/process-figures.js";
import { medianOf, record } from "./support/results.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const EVENTS_A_SECOND = 100;
const SECONDS = 10;

let folder: string;
let server: TestServer;
let url: string;
let batchId: number;
let writer: Connection;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-feed-"));
  server = await startServer({ durable: true });
  url = await server.createDatabase();
  const database = await openDatabase(url);
  await migrate(database);
  ({ id: batchId } = await new Store(database).createBatch({ name: "feed", folder: null }));
  await database.close();
  writer = await createConnection({ uri: url });
});
afterAll(async () => {
  await writer.end();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Service {
  url: string;
  pid: number;
  stop: () => Promise<void>;
}

/** A process of its own on the first core; everything else has the other. */
async function startService(script: string, args: string[], env: Record<string, string> = {}): Promise<Service> {
  const child = spawn("taskset", ["-c", "0", process.execPath, script, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const [address = ""] = /http:\S+/.exec(line) ?? [];
  return { url: address.replace(/\/$/, ""), pid: child.pid ?? 0, stop: () => end(child) };
}

const startDashboard = (): Promise<Service> =>
  startService(here("../packages/cli/bin/cofi.js"), ["serve"], {
    COFI_DATABASE_URL: url,
    COFI_DATA_DIR: folder,
    COFI_PORT: "0",
    COFI_RATE_LIMIT: "10000000",
  });

async function end(child: ChildProcess): Promise<void> {
  const closed = once(child, "close");
  child.kill("SIGTERM");
  await closed;
}

interface Seen {
  connected: number;
  connectMs: number;
  closed: number;
  frames: number;
  events: number;
  p50: number;
  p99: number;
}

/** Connects the viewers, then writes events while they watch. */
async function watch(
  service: Service,
  viewers: number,
  path: string,
): Promise<Seen & { bytesPerViewer: number; core: number; queries: number }> {
  const rssBefore = residentBytes(service.pid);
  const child = spawn(
    "taskset",
    ["-c", "1", process.execPath, here("support/viewers.mjs"), service.url + path, String(viewers), String(SECONDS)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Partial<Seen>> => {
    const { value } = (await lines.next()) as { value: string | undefined };
    return JSON.parse(value ?? "{}") as Partial<Seen>;
  };
  const connected = await next();
  const bytesPerViewer = (residentBytes(service.pid) - rssBefore) / viewers;
  const stopWriting = new AbortController();
  const writing = write(stopWriting.signal);
  await pause(1_000);
  const [queriesBefore, processorBefore] = [await questions(), processorSeconds(service.pid)];
  child.stdin.write("go\n");
  const seen = await next();
  const queries = ((await questions()) - queriesBefore) / SECONDS - EVENTS_A_SECOND;
  const core = (processorSeconds(service.pid) - processorBefore) / SECONDS;
  stopWriting.abort();
  await writing;
  return { ...(connected as Seen), ...(seen as Seen), bytesPerViewer, core, queries };
}

async function questions(): Promise<number> {
  const [rows] = await writer.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Questions'");
  return Number(rows[0]?.["Value"]);
}

async function write(signal: AbortSignal): Promise<void> {
  const started = performance.now();
  for (let n = 0; !signal.aborted; n++) {
    const ahead = (n / EVENTS_A_SECOND) * 1_000 - (performance.now() - started);
    if (ahead > 0) await pause(ahead);
    await writer.execute(
      "INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, status) VALUES (?, 'stt', 'file_complete', ?, 'success')",
      [batchId, `t${performance.timeOrigin + performance.now()}`],
    );
  }
}

/** What each viewer's page would do without a stream: ask for the last events every two seconds. */
async function polledLatency(): Promise<{ p50: number; p99: number }> {
  const reader = await createConnection({ uri: url });
  const stopWriting = new AbortController();
  const writing = write(stopWriting.signal);
  const latencies: number[] = [];
  const [top] = await reader.query<RowDataPacket[]>("SELECT max(id) AS id FROM batchExecutionLog");
  let last = Number(top[0]?.["id"]);
  for (let round = 0; round < SECONDS; round++) {
    await pause(2_000);
    const [rows] = await reader.execute<RowDataPacket[]>(
      "SELECT id, fileName FROM batchExecutionLog WHERE batchId = ? AND id > ? ORDER BY id",
      [batchId, last],
    );
    const now = performance.timeOrigin + performance.now();
    for (const row of rows) latencies.push(now - Number(String(row["fileName"]).slice(1)));
    last = Number(rows.at(-1)?.["id"] ?? last);
  }
  stopWriting.abort();
  await writing;
  await reader.end();
  const sorted = latencies.toSorted((a, b) => a - b);
  return { p50: sorted[Math.floor(sorted.length / 2)] ?? 0, p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0 };
}

test("from commit to viewer", async () => {
  const naive = await polledLatency();
  const bare = await startService(here("support/bare-hub.mjs"), [url]);
  const floor = await watch(bare, 1, "/");
  await bare.stop();
  const service = await startDashboard();
  const runs: Awaited<ReturnType<typeof watch>>[] = [];
  for (let n = 0; n < 3; n++) runs.push(await watch(service, 1, `/api/stream?batch=${batchId}`));
  await service.stop();
  await record(
    `From commit to bytes at the viewer, ${EVENTS_A_SECOND} events/s`,
    "ms",
    {
      "each viewer asks every 2 s, p50": naive.p50,
      "each viewer asks every 2 s, p99": naive.p99,
      "bare node:http hub, ten frames/s, p50": floor.p50,
      "bare node:http hub, ten frames/s, p99": floor.p99,
      "cofi, p50": medianOf(runs.map(({ p50 }) => p50)),
      "cofi, p99": medianOf(runs.map(({ p99 }) => p99)),
    },
    "Bars: p50 <= 30 ms, p99 <= 100 ms.",
  );
});

test.each([5_000, 10_000])("%d viewers", async (viewers) => {
  const bare = await startService(here("support/bare-hub.mjs"), [url]);
  const floor = await watch(bare, viewers, "/");
  await bare.stop();
  const alone = await startDashboard();
  const one = await watch(alone, 1, `/api/stream?batch=${batchId}`);
  await alone.stop();
  const runs: Awaited<ReturnType<typeof watch>>[] = [];
  for (let n = 0; n < (viewers === 5_000 ? 3 : 1); n++) {
    const service = await startDashboard();
    await watch(service, 1, `/api/stream?batch=${batchId}`);
    runs.push(await watch(service, viewers, `/api/stream?batch=${batchId}`));
    await service.stop();
  }
  const of = (pick: (run: (typeof runs)[number]) => number): number => medianOf(runs.map(pick));
  const title = `${viewers.toLocaleString("en")} viewers of one batch, ${EVENTS_A_SECOND} events/s, one core`;
  await record(
    `${title}: latency`,
    "ms",
    {
      "bare node:http hub, p50": floor.p50,
      "bare node:http hub, p99": floor.p99,
      "cofi, p50": of(({ p50 }) => p50),
      "cofi, p99": of(({ p99 }) => p99),
    },
    `Bar: p99 <= ${viewers === 5_000 ? 250 : 500} ms.`,
  );
  await record(`${title}: processor`, "% of a core", {
    "bare node:http hub": floor.core * 100,
    cofi: of(({ core }) => core) * 100,
  });
  await record(
    `${title}: memory`,
    "KB a viewer",
    { "bare node:http hub": floor.bytesPerViewer / 1_000, cofi: of(({ bytesPerViewer }) => bytesPerViewer) / 1_000 },
    "Bar: <= 20 KB.",
  );
  await record(
    `${title}: connections`,
    "viewers",
    { asked: viewers, connected: of(({ connected }) => connected), "cut off": of(({ closed }) => closed) },
    "Bar: nobody cut off.",
  );
  await record(
    `${title}: database`,
    "queries/s",
    { "with one viewer": one.queries, "with all": of(({ queries }) => queries) },
    "Bar: as with one viewer.",
  );
});

test("50 readers that never read", async () => {
  const service = await startDashboard();
  const before = await watch(service, 1, `/api/stream?batch=${batchId}`);
  const rssBefore = residentBytes(service.pid);
  let cutOff = 0;
  const { hostname, port } = new URL(service.url);
  const deaf = Array.from({ length: 50 }, () => {
    const socket = connectSocket(Number(port), hostname, () =>
      socket.write(`GET /api/stream?batch=${batchId} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`),
    );
    socket.pause();
    socket.on("close", () => (cutOff += 1));
    socket.on("error", () => socket.destroy());
    return socket;
  });
  const burst = new AbortController();
  const bursting = flood(burst.signal);
  let most = 0;
  const healthy = watch(service, 1, `/api/stream?batch=${batchId}`);
  const minutes = Number(process.env["COFI_BENCH_MINUTES"] ?? 5);
  const until = performance.now() + minutes * 60_000;
  while (performance.now() < until) {
    most = Math.max(most, residentBytes(service.pid));
    await pause(500);
  }
  const during = await healthy;
  burst.abort();
  await bursting;
  // A socket that does not read does not see that it was closed, until it reads what the system still holds for it.
  for (const socket of deaf) socket.resume();
  await pause(2_000);
  await service.stop();
  await record(
    `50 readers that never read, ${minutes} minutes at 2,000 events/s`,
    "MB",
    { "memory before": rssBefore / 1e6, "most memory": most / 1e6, growth: (most - rssBefore) / 1e6 },
    "Bar: growth <= 50 MB.",
  );
  await record("50 readers that never read: how many are disconnected", "readers", {
    "never read": 50,
    disconnected: cutOff,
  });
  await record("50 readers that never read: p99 of a healthy viewer", "ms", {
    "without them": before.p99,
    "with them": during.p99,
  });
});

/** 2,000 events/s in rows of 100. */
async function flood(signal: AbortSignal): Promise<void> {
  const connection = await createConnection({ uri: url });
  const values = Array.from({ length: 100 }, () => "(?, 'denoise', 'file_complete', 'flood.wav', 'success')").join(
    ", ",
  );
  while (!signal.aborted) {
    await connection.query(
      `INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, status) VALUES ${values}`,
      Array.from({ length: 100 }, () => batchId),
    );
    await pause(50);
  }
  await connection.end();
}
