/** Every part works with the privileges that docs/database.md grants it, and no others. */
import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection, type Connection, type ResultSetHeader } from "mysql2/promise";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";
import { runCofi, startDashboard } from "../support/cofi.js";
import { createDatabaseOn } from "../support/server.js";
import { PRODUCT } from "../support/server-program.js";
import { stoppableRun, type StoppableRun } from "../support/stoppable-run.js";

let root: string;
let admin: Connection;
let run: StoppableRun;
let name: string;
let folder: string;
const made: string[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-privileges-"));
  admin = await createConnection({ uri: inject("serverUrl") });
  run = await stoppableRun(inject("serverUrl"));
  name = new URL(run.url).pathname.slice(1);
  folder = await run.folder();
});

afterAll(async () => {
  for (const user of made) await admin.query(`DROP USER IF EXISTS ${user}@'%'`);
  await admin.end();
  await run.close();
  await rm(root, { recursive: true, force: true });
});

/** Makes the user of the documentation for `database`. @returns the database's URL with it */
async function urlAs(role: string, database = name): Promise<string> {
  const text = await readFile(new URL("../../docs/database.md", import.meta.url), "utf8");
  const blocks = [...text.matchAll(/```sql\n([^`]+)```/g)].map(([, block = ""]) => block);
  const block = blocks.find((each) => each.includes(`CREATE USER ${role}@`));
  expect(block, `docs/database.md has a user ${role}`).toBeDefined();
  const user = `${role}_${randomBytes(4).toString("hex")}`;
  made.push(user);
  // The server takes an underscore in a name of GRANT as a wildcard.
  const escaped = `\`${database.replaceAll("_", "\\_")}\``;
  // As the document says.
  const update = PRODUCT === "mariadb" ? "UPDATE" : "UPDATE (eventId)";
  const statements = block!.replaceAll(`${role}@`, `${user}@`).replaceAll("UPDATE (eventId)", update);
  for (const statement of statements.split(";\n").filter(Boolean))
    await admin.query(statement.replace("cofi.*", `${escaped}.*`).replace(/\bON cofi\./, `ON \`${database}\`.`));
  const url = new URL(run.url);
  url.username = user;
  url.password = "password";
  url.pathname = database;
  return url.href;
}

const env = (url: string): Record<string, string> => ({ COFI_DATABASE_URL: url, COFI_DATA_DIR: join(root, "data") });

test("cofi migrate", async () => {
  const { url, drop } = await createDatabaseOn(inject("serverUrl"));
  try {
    const own = await urlAs("cofi_migrate", new URL(url).pathname.slice(1));
    expect(await runCofi(["migrate"], env(own))).toMatchObject({ code: 0 });
    // Again, with nothing to do.
    expect(await runCofi(["migrate"], env(own))).toMatchObject({ code: 0 });
  } finally {
    await drop();
  }
});

test("cofi run, and then what reads, writes and removes", { timeout: 120_000 }, async () => {
  const child = run.start(folder, await urlAs("cofi_run"));
  const [code] = (await once(child, "close")) as [number | null];
  expect(run.output()).not.toMatch(/privilege|denied/i);
  expect(code, run.output()).toBe(0);

  const reads = await urlAs("cofi_read");
  const dashboard = await startDashboard(env(await urlAs("cofi_serve")));
  try {
    const newest = (await (await fetch(`${dashboard.url}/api/current-batch`)).json()) as { batch: { id: number } };
    const batchId = newest.batch.id;
    for (const path of [
      "health",
      "batches",
      "trends",
      ...["logs", "files", "runs", "overview", "findings", "metrics", "export/events"].map(
        (view) => `batch/${batchId}/${view}`,
      ),
    ])
      expect((await fetch(`${dashboard.url}/api/${path}`)).status, path).toBe(200);
  } finally {
    await dashboard.stop();
  }
  for (const args of [
    ["export", "files"],
    ["export", "events", "--payloads"],
    ["explain", "--all"],
    ["verify", "--access-log"],
  ])
    expect(await runCofi(args, env(reads)), args.join(" ")).toMatchObject({ code: 0 });

  const service = await createConnection({ uri: await urlAs("cofi_service") });
  try {
    await service.query("INSERT INTO batchStatus () VALUES ()");
    await service.query(
      "INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, status) VALUES (LAST_INSERT_ID(), 'stt', 'file_complete', 'x.wav', 'success')",
    );
    const [rows] = await service.query("SELECT MAX(id) AS id FROM batchStatus");
    await service.query("UPDATE batchStatus SET status = 'completed', finishedAt = UTC_TIMESTAMP(3) WHERE id = ?", [
      (rows as { id: number }[])[0]?.id,
    ]);
    await expect(service.query("SELECT payload FROM batchExecutionLog")).rejects.toThrow(/denied/);
  } finally {
    await service.end();
  }

  const database = await openDatabase(await urlAs("cofi_logger"));
  try {
    const store = new Store(database);
    const batch = await store.createBatch({ name: "Reprocessing", folder: null });
    const problems = new EventEmitter();
    const refused = once(problems, "problem").then(([{ cause }]) => Promise.reject(cause));
    const logger = await EventLogger.open({
      batchId: batch.id,
      spoolDir: join(root, "spool"),
      store,
      onProblem: (problem) => problems.emit("problem", problem),
    });
    await logger.fileComplete("stt", "y.wav", { response: { text: "hello" } });
    await Promise.race([logger.drain(), refused]);
    await logger.close();
  } finally {
    await database.close();
  }

  const pruned = await runCofi(["prune", "--payloads", "1d", "--events", "2d"], env(await urlAs("cofi_prune")));
  expect(pruned.output).not.toMatch(/privilege|denied/i);
  expect(pruned.code, pruned.output).toBe(0);
  expect((await admin.query(`SELECT host FROM \`${name}\`.engineHost`))[0]).toEqual([]);
});

test("cofi user, and a dashboard on which the user logs in and looks at contents", async () => {
  const changes = env(await urlAs("cofi_users"));
  const password = "correct horse battery";
  for (const args of [["add", "ann", "--role", "reviewer"], ["list"], ["role", "ann", "admin"], ["password", "ann"]])
    expect(await runCofi(["user", ...args], changes, undefined, password), args.join(" ")).toMatchObject({ code: 0 });
  const dashboard = await startDashboard(env(await urlAs("cofi_serve")));
  try {
    const body = new URLSearchParams({ user: "ann", password });
    const { status, headers } = await fetch(`${dashboard.url}/login`, { method: "POST", body, redirect: "manual" });
    expect(status).toBe(303);
    const cookie = headers.getSetCookie()[0]!.split(";")[0]!;
    const reveal = {
      method: "POST",
      headers: { cookie, "content-type": "application/json" },
      body: '{"reason":"a test"}',
    };
    expect((await fetch(`${dashboard.url}/api/events/1/reveal`, reveal)).status).toBe(200);
    const post = (path: string, sent: unknown): Promise<Response> =>
      fetch(`${dashboard.url}/api/${path}`, { ...reveal, body: JSON.stringify(sent) });
    const { insertId } = (
      await admin.query<ResultSetHeader>(
        `INSERT INTO \`${name}\`.batchStatus (status, finishedAt) VALUES ('completed', UTC_TIMESTAMP(3))`,
      )
    )[0];
    await admin.query(
      `INSERT INTO \`${name}\`.trade (batchId, tradeId, orderTime, clientCode, dealerId, symbol, side, quantity, price, verdict)
        VALUES (${insertId}, 'T1', UTC_TIMESTAMP(3), 'A', 'D', 'INFY', 'BUY', 1, 1, 'MISMATCH')`,
    );
    expect((await post(`batch/${insertId}/trades/T1/review`, { action: "take" })).status).toBe(200);
    expect((await post(`batch/${insertId}/draw`, { share: 1, seed: "a" })).status).toBe(200);
    expect((await post("holds", { scope: "trade", batch: insertId, subject: "T1", reason: "letter" })).status).toBe(
      200,
    );
    const holds = env(await urlAs("cofi_hold"));
    for (const args of [
      ["hold", "batch", String(insertId), "--reason", "letter"],
      ["holds"],
      ["release", "2", "--reason", "over"],
    ])
      expect(await runCofi(args, holds), args.join(" ")).toMatchObject({ code: 0 });
    expect((await post("holds/1/release", { reason: "over" })).status).toBe(200);
  } finally {
    await dashboard.stop();
  }
  for (const args of [
    ["revoke", "ann"],
    ["remove", "ann"],
  ])
    expect(await runCofi(["user", ...args], changes), args.join(" ")).toMatchObject({ code: 0 });
});

test("nobody can change or remove an entry of the access log", async () => {
  for (const role of [
    "cofi_run",
    "cofi_logger",
    "cofi_read",
    "cofi_serve",
    "cofi_prune",
    "cofi_users",
    "cofi_hold",
    "cofi_service",
  ]) {
    const connection = await createConnection({ uri: await urlAs(role) });
    try {
      for (const change of ["DELETE FROM accessLog", "TRUNCATE accessLog", "UPDATE accessLog SET who = 'x'"])
        await expect(connection.query(change), `${role}: ${change}`).rejects.toThrow(/denied/);
    } finally {
      await connection.end();
    }
  }
});

test("nobody can change a review or a hold, and only retention removes them", async () => {
  for (const role of ["cofi_run", "cofi_read", "cofi_serve", "cofi_prune", "cofi_users", "cofi_hold"]) {
    const connection = await createConnection({ uri: await urlAs(role) });
    const removals = role === "cofi_prune" ? [] : ["DELETE FROM review", "DELETE FROM retentionHold"];
    try {
      for (const change of ["UPDATE review SET who = 'x'", "UPDATE retentionHold SET releases = 1", ...removals])
        await expect(connection.query(change), `${role}: ${change}`).rejects.toThrow(/denied/);
    } finally {
      await connection.end();
    }
  }
});

test("who runs batches, looks on or logs cannot change or remove what is in the log", async () => {
  const changes = [
    "DELETE FROM batchExecutionLog WHERE id = 1",
    "TRUNCATE batchExecutionLog",
    "UPDATE batchExecutionLog SET payload = 'x' WHERE id = 1",
  ];
  for (const role of ["cofi_run", "cofi_logger", "cofi_read", "cofi_serve", "cofi_service"]) {
    const connection = await createConnection({ uri: await urlAs(role) });
    try {
      const maySkip = PRODUCT === "mariadb" && (role === "cofi_run" || role === "cofi_logger");
      for (const change of maySkip ? changes.slice(0, 2) : changes)
        await expect(connection.query(change), `${role}: ${change}`).rejects.toThrow(/denied/);
    } finally {
      await connection.end();
    }
  }
});

test("a run that may not add events is refused before there is a batch", async () => {
  const url = await urlAs("cofi_run");
  await admin.query(`REVOKE INSERT ON \`${name}\`.batchExecutionLog FROM ${new URL(url).username}@'%'`);
  const batches = async (): Promise<unknown> => (await admin.query(`SELECT COUNT(*) FROM \`${name}\`.batchStatus`))[0];
  const before = await batches();
  const { code, output } = await runCofi(["run", folder], env(url));
  expect(output).toMatch(
    /^The user of the database .* lacks a privilege: INSERT batchExecutionLog: .*docs\/database\.md/,
  );
  expect(code).toBe(2);
  expect(await batches()).toEqual(before);
});

test("a missing privilege is one sentence that says where it is documented", async () => {
  const { code, output } = await runCofi(["run", folder], env(await urlAs("cofi_read")));
  expect(output).toMatch(/lacks a privilege: .*docs\/database\.md/);
  expect(output.trim().split("\n")).toHaveLength(1);
  expect(code).toBe(2);
});
