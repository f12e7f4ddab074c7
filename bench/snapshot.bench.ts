/** A batch with a million events, opened by a server that has just started. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { EventSource } from "eventsource";
import { createConnection, type Connection } from "mysql2/promise";
import { afterAll, beforeAll, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import type { Snapshot } from "@cofi/event-log/events";
import { migrate } from "@cofi/event-log/migrate";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { startServer, type TestServer } from "../test/support/server.js";
import { residentBytes } from "./support/process-figures.js";
import { medianOf, record } from "./support/results.js";

const FILES = 71_500;
const BODY = "x".repeat(1_000);
const COFI = fileURLToPath(new URL("../packages/cli/bin/cofi.js", import.meta.url));

let folder: string;
let server: TestServer;
let url: string;
let connection: Connection;
let batchId: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-snapshot-"));
  server = await startServer();
  url = await server.createDatabase();
  const database = await openDatabase(url);
  await migrate(database);
  ({ id: batchId } = await new Store(database).createBatch({ name: "million", folder: null }));
  await database.close();
  connection = await createConnection({ uri: url });
  for (const { name, unit } of STAGES) if (unit === "recording") await fillStage(name);
  await connection.query("ANALYZE TABLE batchExecutionLog");
}, 600_000);
afterAll(async () => {
  await connection.end();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Two events a file, with 1 KB of JSON each. */
async function fillStage(stage: string): Promise<void> {
  let rows: (string | number | null)[][] = [];
  const flush = async (): Promise<void> => {
    const values = rows.map(() => "(?, ?, ?, ?, ?, ?, ?, ?, 1, ?)").join(", ");
    await connection.execute(
      `INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, gpuIp, status, payload, response, attempt, durationMs) VALUES ${values}`,
      rows.flat(),
    );
    rows = [];
  };
  for (let n = 0; n < FILES; n++) {
    const [file, host] = [`call-${n}.wav`, `10.0.0.${n % 4}`];
    rows.push([batchId, stage, "file_start", file, host, "processing", BODY, null, null]);
    const end = n % 100 === 0 ? ["error", "failed"] : ["file_complete", "success"];
    rows.push([batchId, stage, end[0]!, file, host, end[1]!, null, BODY, 500]);
    if (rows.length >= 500) await flush();
  }
  if (rows.length > 0) await flush();
}

/** The table as it was first meant: an index on each of three columns. */
async function naive(): Promise<number> {
  const started = performance.now();
  for (const { name } of STAGES)
    await connection.query(
      "SELECT id, eventType, fileName, status FROM naiveLog WHERE batchId = ? AND stage = ? ORDER BY id DESC LIMIT 20",
      [batchId, name],
    );
  await connection.query(
    `SELECT stage, count(DISTINCT CASE WHEN eventType = 'file_complete' THEN fileName END) AS done,
       count(DISTINCT CASE WHEN status = 'failed' THEN fileName END) AS failed, max(timestamp) AS last
     FROM naiveLog WHERE batchId = ? GROUP BY stage`,
    [batchId],
  );
  return performance.now() - started;
}

/** From a new server's first second: the page, then the snapshot with all counts, then live. */
async function opened(databaseUrl: string, id: number): Promise<{ usable: number; live: number; megabytes: number }> {
  const child = spawn(process.execPath, [COFI, "serve"], {
    env: { PATH: process.env["PATH"] ?? "", COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: folder, COFI_PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const [address = ""] = /http:\S+/.exec(line) ?? [];
  const started = performance.now();
  const page = await (await fetch(address)).text();
  for (const [, file] of page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g))
    await (await fetch(`${address}/${file}`)).text();
  const source = new EventSource(`${address}/api/stream?batch=${id}`);
  const [message] = (await once(source as unknown as EventTarget, "snapshot")) as [{ data: string }];
  const usable = performance.now() - started;
  const { stages } = JSON.parse(message.data) as Snapshot;
  const finished = stages.reduce((sum, { done, failed }) => sum + done + failed, 0);
  if (finished !== FILES * 7) throw new Error(`The snapshot counts ${finished} of ${FILES * 7} file steps.`);
  for (;;) {
    const { events } = (await (await fetch(`${address}/api/health`)).json()) as {
      events: { currentBatch: number | null };
    };
    if (events.currentBatch !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const live = performance.now() - started;
  const megabytes = residentBytes(child.pid ?? 0) / 1e6;
  source.close();
  child.kill("SIGTERM");
  await once(child, "close");
  return { usable, live, megabytes };
}

test("opening a batch with a million events, MariaDB", async () => {
  await connection.query(
    `CREATE TABLE naiveLog (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, batchId INT NOT NULL, timestamp DATETIME(3), stage VARCHAR(50),
       eventType VARCHAR(20), fileName VARCHAR(255), status VARCHAR(20), payload MEDIUMTEXT, response MEDIUMTEXT,
       KEY (batchId), KEY (stage), KEY (timestamp))`,
  );
  await connection.query(
    "INSERT INTO naiveLog SELECT id, batchId, timestamp, stage, eventType, fileName, status, payload, response FROM batchExecutionLog",
  );
  const naives: number[] = [];
  for (let n = 0; n < 3; n++) naives.push(await naive());
  const runs: Awaited<ReturnType<typeof opened>>[] = [];
  for (let n = 0; n < 3; n++) runs.push(await opened(url, batchId));
  await record(
    "Opening a batch with 1,001,000 events, server just started, MariaDB",
    "ms",
    {
      "naive: last 20 of each stage, counts over the whole batch": medianOf(naives),
      "cofi: page and snapshot": medianOf(runs.map(({ usable }) => usable)),
      "cofi: every view live, all events folded": medianOf(runs.map(({ live }) => live)),
    },
    "Bars: <= 1,000 ms and >= 10 x faster than the naive queries.",
  );
  await record("Memory of a dashboard with that batch in it", "MB", {
    resident: medianOf(runs.map(({ megabytes }) => megabytes)),
  });
});
