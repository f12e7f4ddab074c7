/** The users of docs/database.md, made by its very statements: each can do what it is for, and not more with the log. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection, type Connection } from "mysql2/promise";
import { afterAll, beforeAll, expect, test } from "vitest";
import { STAGES } from "@cofi/event-log/stages";
import { runCofi, startDashboard } from "../support/cofi.js";
import { startScriptedEngine, type ScriptedEngine } from "../support/scripted-engine.js";
import { startServer, type TestServer } from "../support/server.js";
import { PRODUCT } from "../support/server-program.js";

const DOCUMENT = new URL("../../docs/database.md", import.meta.url);
const PASSWORD = "…";

let root: string;
let server: TestServer;
let admin: Connection;
let engine: ScriptedEngine;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-privileges-"));
  engine = await startScriptedEngine();
  server = await startServer();
  admin = await createConnection({ uri: server.url, multipleStatements: true });
});
afterAll(async () => {
  await admin.end();
  await Promise.all([server.stop(), engine.close()]);
  await rm(root, { recursive: true, force: true });
});

function urlOf(user: string): string {
  return `mysql://${user}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/cofi`;
}

function cofi(user: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const engines = STAGES.filter(({ kind, name }) => kind === "engine" || name === "file_distribution");
  return runCofi(args, {
    COFI_DATABASE_URL: urlOf(user),
    COFI_DATA_DIR: join(root, "data"),
    ...Object.fromEntries(engines.map(({ name }) => [`COFI_ENGINE_${name.toUpperCase()}_URLS`, engine.url])),
  });
}

async function batchFolder(): Promise<string> {
  const folder = join(root, "batch");
  await mkdir(folder);
  await writeFile(join(folder, "a.wav"), "audio");
  await writeFile(
    join(folder, "calls.csv"),
    "call_id,file_name,start_time,duration_s,client_code\nC1,a.wav,2026-11-20T09:00:00Z,10,AB1\n",
  );
  await writeFile(
    join(folder, "trades.csv"),
    "trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price\nT1,2026-11-20T09:00:05Z,AB1,D1,INFY,BUY,200,1500\n",
  );
  return folder;
}

/** As a user of the server, past our own code. */
async function as(user: string, ...statements: string[]): Promise<void> {
  const connection = await createConnection({ uri: urlOf(user) });
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    await connection.end();
  }
}

test("every command works for the user who has the privileges that it is documented to need", async () => {
  const blocks = [...(await readFile(DOCUMENT, "utf8")).matchAll(/^```sql\n(.*?)^```$/gms)].map(([, block]) => block);
  const [database = "", users = ""] = blocks.filter((block) => block?.includes("CREATE USER"));
  await admin.query(database);
  expect(await cofi("cofi_migrate", "migrate")).toMatchObject({ code: 0 });
  await admin.query(PRODUCT === "mariadb" ? users.replace("UPDATE (eventId)", "UPDATE") : users);
  expect(await cofi("cofi_migrate", "migrate")).toMatchObject({ code: 0 });

  const folder = await batchFolder();
  const refused = await cofi("cofi_read", "run", folder);
  expect(refused.output).toMatch(
    /The user of the database .* lacks a privilege: .*docs\/database\.md lists what to grant/,
  );
  expect(refused.code).toBe(2);
  expect(await cofi("cofi_run", "run", folder)).toMatchObject({ code: 0, output: expect.stringMatching(/completed/) });
  engine.plan("stt", "a.wav", 422);
  expect((await cofi("cofi_run", "run", folder, "--new")).output).toMatch(/completed with errors/);
  expect(await cofi("cofi_run", "run", folder, "--batch", "2")).toMatchObject({ code: 0 });

  for (const args of [["tail"], ["export", "files"], ["export", "events", "--payloads"], ["explain", "--all"]])
    expect([args, await cofi("cofi_read", ...args)]).toEqual([args, expect.objectContaining({ code: 0 })]);
  const dashboard = await startDashboard({ COFI_DATABASE_URL: urlOf("cofi_read"), COFI_DATA_DIR: join(root, "data") });
  try {
    const ofBatch = ["logs", "stats", "files", "overview", "timeline", "runs", "export/files", "export/events"];
    const paths = [
      "health",
      "current-batch",
      "batches",
      "trends",
      "events/1",
      ...ofBatch.map((path) => `batch/2/${path}`),
    ];
    for (const path of paths) expect([path, (await fetch(`${dashboard.url}/api/${path}`)).status]).toEqual([path, 200]);
    await as(
      "another_service",
      "INSERT INTO batchStatus () VALUES ()",
      `INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, status)
        VALUES (LAST_INSERT_ID(), 'stt', 'file_complete', 'foreign.wav', 'success')`,
      "UPDATE batchStatus SET status = 'completed', finishedAt = UTC_TIMESTAMP(3) WHERE id = 3",
    );
    const stored = async (): Promise<string> => (await fetch(`${dashboard.url}/api/batch/3/logs`)).text();
    expect(await stored()).toContain("foreign.wav");
  } finally {
    await dashboard.stop();
  }
});

test("who runs batches and who looks on cannot change what is in the log", async () => {
  const changes = [
    "DELETE FROM batchExecutionLog WHERE id = 1",
    "TRUNCATE batchExecutionLog",
    "UPDATE batchExecutionLog SET payload = 'x' WHERE id = 1",
  ];
  for (const user of ["cofi_run", "cofi_read", "another_service"])
    for (const change of PRODUCT === "mariadb" && user === "cofi_run" ? changes.slice(0, 2) : changes)
      await expect(as(user, change)).rejects.toThrow(/denied/);
});

test("cofi prune removes payloads and batches", async () => {
  await admin.query("UPDATE cofi.batchExecutionLog SET timestamp = timestamp - INTERVAL 40 DAY WHERE batchId < 3");
  await admin.query(
    "UPDATE cofi.batchStatus SET createdAt = createdAt - INTERVAL 40 DAY, finishedAt = finishedAt - INTERVAL 40 DAY WHERE id < 3",
  );
  const payloads = await cofi("cofi_prune", "prune", "--payloads", "30d");
  expect([payloads.code, payloads.output]).toEqual([0, expect.stringMatching(/2 batches pruned/)]);
  const events = await cofi("cofi_prune", "prune", "--events", "30d");
  expect([events.code, events.output]).toEqual([0, expect.stringMatching(/2 batches pruned/)]);
});
