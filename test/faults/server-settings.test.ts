/**
 * Servers are set up in many ways, and a session takes its settings from the server. Under each of them what is logged must
 * be stored, read back as it was written, and refused where it is refused elsewhere. Prints a table with figures; the long
 * form (`npm run faults`) migrates a database of its own under every setting.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { createConnection, type Connection, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { startServer, type TestServer } from "../support/server.js";

const IS_LONG = process.env["COFI_FAULT_ROUNDS"] !== undefined;
const EVENTS = 20;
/** What latin1, an escape or a quote would spoil. */
const TEXT = "नमस्ते 'x' \\ \" 😀";
const SECRET = "words of another batch";

interface Figures {
  stored: number;
  unshipped: number;
  /** Stored rows that do not read as they were written. */
  garbled: number;
  /** Rows that a filter of the API brings out of another table or batch. */
  injected: number;
  /** Rows that the schema forbids and that were stored all the same. */
  forbidden: number;
  /** Answers of queries that differ from those under a server's defaults. */
  wrong: number;
}
const RIGHT: Figures = { stored: EVENTS, unshipped: 0, garbled: 0, injected: 0, forbidden: 0, wrong: 0 };

/** Set with SET GLOBAL; all go back to the default afterwards. */
const SETTINGS: Record<string, string> = {
  "no special setting": "max_connections = 200",
  "autocommit=0": "autocommit = 0",
  "init_connect='SET autocommit=0'": "init_connect = 'SET autocommit = 0'",
  "init_connect='START TRANSACTION'": "init_connect = 'START TRANSACTION'",
  "init_connect='SET NAMES latin1'": "init_connect = 'SET NAMES latin1'",
  "completion_type=CHAIN": "completion_type = 'CHAIN'",
  "completion_type=RELEASE": "completion_type = 'RELEASE'",
  "sql_mode=NO_BACKSLASH_ESCAPES": "sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES'",
  "sql_mode=ANSI_QUOTES": "sql_mode = 'ANSI_QUOTES'",
  "sql_mode=ANSI": "sql_mode = 'ANSI'",
  "sql_mode=PIPES_AS_CONCAT": "sql_mode = 'PIPES_AS_CONCAT'",
  "sql_mode=EMPTY_STRING_IS_NULL": "sql_mode = 'EMPTY_STRING_IS_NULL'",
  "sql_mode=PAD_CHAR_TO_FULL_LENGTH": "sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
  "sql_mode='' (not strict)": "sql_mode = ''",
  "sql_mode=TRADITIONAL,ONLY_FULL_GROUP_BY": "sql_mode = 'TRADITIONAL,ONLY_FULL_GROUP_BY'",
  "time_zone=+05:30": "time_zone = '+05:30'",
  "isolation SERIALIZABLE": "tx_isolation = 'SERIALIZABLE'",
  "transactions read only": "tx_read_only = 1",
  "sql_select_limit=3": "sql_select_limit = 3",
  "sql_select_limit=0": "sql_select_limit = 0",
  "sql_safe_updates=1": "sql_safe_updates = 1",
  "sql_big_selects=0, max_join_size=1": "max_join_size = 1",
  "sql_auto_is_null=1": "sql_auto_is_null = 1",
  "div_precision_increment=0": "div_precision_increment = 0",
  "max_sort_length=64": "max_sort_length = 64",
  "foreign_key_checks=0": "foreign_key_checks = 0",
  "check_constraint_checks=0": "check_constraint_checks = 0",
  "max_statement_time=0.0001": "max_statement_time = 0.0001",
  "group_concat_max_len=4": "group_concat_max_len = 4",
  "default_storage_engine=MEMORY": "default_storage_engine = 'MEMORY'",
};

/** What is refused at once, and the words of the sentence. */
const REFUSED: Record<string, [setting: string, name: string, message: RegExp]> = {
  "sql_mode=ORACLE": ["sql_mode = 'ORACLE'", "DatabaseRejectedError", /has sql_mode=ORACLE.*Remove ORACLE/],
  "sql_mode=MSSQL": ["sql_mode = 'MSSQL'", "DatabaseRejectedError", /has sql_mode=MSSQL/],
  "read_only=1": ["read_only = 1", "DatabaseUnavailableError", /only reads: its server has read_only=ON/],
  "max_prepared_stmt_count=10": [
    "max_prepared_stmt_count = 10",
    "DatabaseRejectedError",
    /has max_prepared_stmt_count=10.*Raise max_prepared_stmt_count/,
  ],
};

const rows: string[] = [];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-settings-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  const table = `| server | result |\n| --- | --- |\n${rows.join("\n")}\n`;
  console.log(table);
  await mkdir("test-results", { recursive: true });
  await writeFile("test-results/faults-server-settings.md", table);
});

describe("a server with", () => {
  let server: TestServer;
  let admin: Connection;
  let migrated: string;
  beforeAll(async () => {
    server = await startServer();
    admin = await createConnection({ uri: server.url });
    // `init_connect` is for users without SUPER.
    await admin.query("CREATE USER plain@'%' IDENTIFIED BY 'plain'");
    await admin.query("GRANT ALL ON `cofi\\_%`.* TO plain@'%'");
    migrated = asPlain(await server.createDatabase());
    await migrateAt(migrated);
  });
  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  async function under(setting: string, work: () => Promise<void>): Promise<void> {
    const [name = ""] = setting.split(" ");
    const [before] = await admin.query<RowDataPacket[]>(`SELECT @@GLOBAL.${name} AS value`);
    try {
      await admin.query(`SET GLOBAL ${setting}`);
      await work();
    } finally {
      await admin.query(`SET GLOBAL ${name} = ?`, [before[0]?.["value"]]);
    }
  }

  test.each(Object.entries(SETTINGS))("%s stores and reads as others do", async (name, setting) => {
    const fresh = IS_LONG ? asPlain(await server.createDatabase()) : null;
    await under(setting, async () => {
      if (fresh !== null) await migrateAt(fresh);
      const url = fresh ?? migrated;
      await expectRight(name, url, server.url + url.slice(url.lastIndexOf("/") + 1));
    });
  });

  test.each(Object.entries(REFUSED))("%s is refused with a sentence", async (setting, [statement, name, message]) => {
    await under(statement, async () => {
      const error = await openDatabase(migrated).then(
        () => null,
        (refusal: Error) => refusal,
      );
      rows.push(`| ${setting} | ${error === null ? "taken" : `refused: ${error.message}`} |`);
      expect(error).toMatchObject({ name, message: expect.stringMatching(message) });
      expect(error?.message).not.toContain("plain:plain");
    });
  });
});

test("a server that takes no character set of its clients", { timeout: 120_000 }, async () => {
  const server = await startServer({
    flags: ["--skip-character-set-client-handshake", "--character-set-server=latin1"],
  });
  try {
    const url = await server.createDatabase();
    await migrateAt(url);
    await expectRight("skip-character-set-client-handshake, latin1", url, url);
  } finally {
    await server.stop();
  }
});

test("a server whose log of statements cannot hold ours", { timeout: 120_000 }, async () => {
  const server = await startServer({ flags: ["--log-bin", "--server-id=1", "--binlog-format=STATEMENT"] });
  try {
    const refusal = openDatabase(await server.createDatabase());
    await expect(refusal).rejects.toThrow(/binlog_format=STATEMENT.*ROW or MIXED/);
    rows.push("| binlog_format=STATEMENT | refused |");
  } finally {
    await server.stop();
  }
});

function asPlain(url: string): string {
  return url.replace(/\/\/[^@]*@/, "//plain:plain@");
}

async function migrateAt(url: string): Promise<void> {
  const database = await openDatabase(url);
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}

async function expectRight(name: string, url: string, adminUrl: string): Promise<void> {
  const figures = await measure(url, adminUrl);
  const said = Object.entries({ logged: EVENTS, ...figures }).map(([figure, value]) => `${value} ${figure}`);
  rows.push(`| ${name} | ${said.join(", ")} |`);
  expect(figures).toEqual(RIGHT);
}

/** Logs, reads and misuses a database whose server is set up in some way; a session with its own settings looks on. */
async function measure(url: string, adminUrl: string): Promise<Figures> {
  const database = await openDatabase(url);
  const observer = await createConnection({ uri: adminUrl, charset: "utf8mb4" });
  await observer.query(
    "SET NAMES utf8mb4, sql_mode = 'STRICT_ALL_TABLES', sql_select_limit = 18446744073709551615, autocommit = 1, " +
      "completion_type = 0, sql_big_selects = 1, max_statement_time = 0, tx_read_only = 0",
  );
  try {
    const store = new Store(database);
    const batch = await store.createBatch({ name: TEXT, folder: "/in" });
    await observer.query("INSERT INTO transcript (batchId, callId, text, segments) VALUES (?, 'other', ?, '[]')", [
      batch.id,
      SECRET,
    ]);
    await database.transaction((db) =>
      db.updateTable("batchStatus").set({ status: "running" }).where("id", "=", batch.id).execute(),
    );
    const unshipped = await logAll(store, batch.id);
    const injected = await inject(store, batch.id);
    const forbidden = await breakRules(database, batch.id);
    const wrong = await wrongAnswers(database, batch.id);
    await database.close();

    const [stored] = await observer.query<RowDataPacket[]>(
      "SELECT fileName, response, batchStatus.name AS batch FROM batchExecutionLog JOIN batchStatus ON batchStatus.id = batchId WHERE batchId = ? ORDER BY batchExecutionLog.id",
      [batch.id],
    );
    const garbled = stored.filter(
      ({ fileName, response, batch: title }, n) =>
        fileName !== `${n} ${TEXT}` || response !== JSON.stringify(TEXT) || title !== TEXT,
    );
    return { stored: stored.length, unshipped, garbled: garbled.length, injected, forbidden, wrong };
  } finally {
    await database.close();
    await observer.end();
  }
}

/** @returns how many are reported as not stored */
async function logAll(store: Store, batchId: number): Promise<number> {
  const logger = await EventLogger.open({ batchId, spoolDir: await mkdtemp(join(folder, "spool-")), store });
  for (let n = 0; n < EVENTS; n++) await logger.fileComplete("stt", `${n} ${TEXT}`, { response: TEXT });
  await logger.drain(20_000);
  return (await logger.close()).unshipped;
}

/** @returns how many rows come that no filter should bring */
async function inject(store: Store, batchId: number): Promise<number> {
  const columns = `9,1,now(3),'stt','info',text${",null".repeat(12)} FROM transcript-- `;
  const attacks = [
    `' UNION SELECT ${columns}`,
    `\\' UNION SELECT ${columns}`,
    "' OR 1=1-- ",
    "\\' OR 1=1-- ",
    '" OR 1=1-- ',
  ];
  let rowsFound = 0;
  for (const fileName of attacks) rowsFound += (await store.events(batchId, { limit: 100, fileName })).events.length;
  return rowsFound;
}

/** @returns how many statements that break a rule of the schema were taken */
async function breakRules(database: Database, batchId: number): Promise<number> {
  const insert = (values: { batchId?: number; stage?: string; metadata?: string; totalFiles?: number }) =>
    database.kysely
      .insertInto("batchExecutionLog")
      .values({ batchId, stage: "stt", eventType: "info", ...values })
      .execute();
  const outcomes = await Promise.allSettled([
    insert({ batchId: 2_000_000_000 }),
    insert({ stage: "x".repeat(51) }),
    insert({ metadata: "no json" }),
    insert({ totalFiles: 3_000_000_000 }),
  ]);
  return outcomes.filter(({ status }) => status === "fulfilled").length;
}

/** @returns how many answers are not those that every server should give */
async function wrongAnswers(database: Database, batchId: number): Promise<number> {
  const store = new Store(database);
  const part = database.dialect.partOfTime("2026-11-25 10:00:00.000", 1_000);
  const { rows: parts } = await sql<{ part: number }>`SELECT ${part} AS part
    FROM (SELECT TIMESTAMP'2026-11-25 10:00:01.900' AS timestamp) AS times`.execute(database.kysely);
  const { rows: missing } = await sql`SELECT id FROM batchExecutionLog WHERE id IS NULL`.execute(database.kysely);
  await sql`UPDATE batchStatus SET currentStage = 'stt' WHERE name = ${TEXT}`.execute(database.kysely);
  const { rows: times } = await sql<{
    now: string;
  }>`SELECT createdAt AS now FROM batchStatus WHERE id = ${batchId}`.execute(database.kysely);
  const quoted = await store.events(batchId, { limit: 100, fileName: `7 ${TEXT}` });
  const all = await store.events(batchId, { limit: 100 });
  const files = await store.completedFiles(batchId, "stt");
  const answers = [
    Number(parts[0]?.part) === 1,
    missing.length === 0,
    (await store.batch(batchId))?.currentStage === "stt",
    Math.abs(Date.parse(`${times[0]?.now.replace(" ", "T")}Z`) - Date.now()) < 60_000,
    quoted.events.length === 1,
    all.events.length === EVENTS,
    files.size === EVENTS && (await store.answers(batchId, "stt", [`3 ${TEXT}`])).get(`3 ${TEXT}`)?.response === TEXT,
  ];
  return answers.filter((isRight) => !isRight).length;
}
