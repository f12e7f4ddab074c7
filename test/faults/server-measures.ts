/** What a database keeps to, whatever its server's settings are: measured by our own code, and looked at by a session with settings of its own. */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";

const EVENTS = 20;
/** What latin1, an escape or a quote would spoil. */
const TEXT = "नमस्ते 'x' \\ \" 😀";
const SECRET = "words of another batch";

export interface Figures {
  logged: number;
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
export const RIGHT: Figures = {
  logged: EVENTS,
  stored: EVENTS,
  unshipped: 0,
  garbled: 0,
  injected: 0,
  forbidden: 0,
  wrong: 0,
};

/**
 * Logs, reads and misuses a database whose server is set up in some way.
 * @param url for our own code @param adminUrl for the session that looks on @param folder for spools
 */
export async function measure(url: string, adminUrl: string, folder: string): Promise<Figures> {
  const database = await openDatabase(url);
  const observer = await createConnection({ uri: adminUrl, charset: "utf8mb4" });
  await observer.query(
    "SET NAMES utf8mb4, sql_mode = 'STRICT_ALL_TABLES', sql_select_limit = 18446744073709551615, autocommit = 1, " +
      "completion_type = 0, sql_big_selects = 1 /*M!100000 , max_statement_time = 0 */ /*!50701 , max_execution_time = 0 */",
  );
  await observer.query("SET SESSION TRANSACTION READ WRITE");
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
    const unshipped = await logAll(store, batch.id, folder);
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
    return { logged: EVENTS, stored: stored.length, unshipped, garbled: garbled.length, injected, forbidden, wrong };
  } finally {
    await database.close();
    await observer.end();
  }
}

/** @returns how many are reported as not stored */
async function logAll(store: Store, batchId: number, folder: string): Promise<number> {
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
