/**
 * The hot insert: prepared multi-row statements straight on the driver (five times one awaited insert at a time; the
 * query builder's text protocol is slower than single inserts).
 */
import type { PoolConnection } from "mysql2";
import type { Database } from "./database.js";
import type { EventStatus, EventType } from "./events.js";
import type { MysqlConnections } from "./mysql-connections.js";
import { sqliteErrorCode, type SqliteConnection } from "./sqlite.js";

/** One event as it goes into `batchExecutionLog`: texts are final, `timestamp` is UTC in the database's form. */
export interface StoredEvent {
  batchId: number;
  timestamp: string;
  stage: string;
  eventType: EventType;
  fileName: string | null;
  gpuIp: string | null;
  payload: string | null;
  response: string | null;
  status: EventStatus | null;
  errorMessage: string | null;
  totalFiles: number | null;
  processedFiles: number | null;
  metadata: string | null;
  /** Made by the writer, unique: inserting the event again adds no row. */
  eventId: string;
  attempt: number | null;
  durationMs: number | null;
  /** JSON of a `Cut`. */
  payloadCut: string | null;
  responseCut: string | null;
}

/** Columns in the order in which {@link eventValues} gives their values. */
const EVENT_COLUMNS = [
  "batchId",
  "timestamp",
  "stage",
  "eventType",
  "fileName",
  "gpuIp",
  "payload",
  "response",
  "status",
  "errorMessage",
  "totalFiles",
  "processedFiles",
  "metadata",
  "eventId",
  "attempt",
  "durationMs",
  "payloadCut",
  "responseCut",
] as const satisfies readonly (keyof StoredEvent)[];

function eventValues(event: StoredEvent): (string | number | null)[] {
  return EVENT_COLUMNS.map((column) => event[column]);
}

const COLUMNS = EVENT_COLUMNS.join(", ");
const ROW = `(${EVENT_COLUMNS.map(() => "?").join(", ")})`;

/** Few sizes, so that each connection holds few prepared statements; a batch is cut into them. */
const CHUNKS = [256, 64, 16, 4, 1] as const;

/**
 * Inserts the events in order. On an error the first of them may be stored: inserting all again adds no row twice.
 * @throws the driver's error
 */
export async function insertEventRows(database: Database, events: readonly StoredEvent[]): Promise<void> {
  const { driver } = database;
  if (driver.dialect === "mysql") return insertIntoMysql(driver.connections, events);
  // There is one SQLite connection: kysely's turn-taking keeps this transaction out of the others.
  await database.kysely.connection().execute(async () => insertIntoSqlite(driver.connection, events));
}

function insertIntoSqlite(connection: SqliteConnection, events: readonly StoredEvent[]): void {
  const insert = connection.prepare(
    `INSERT INTO batchExecutionLog (${COLUMNS}) VALUES ${ROW} ON CONFLICT (eventId) DO NOTHING`,
  );
  connection.exec("BEGIN IMMEDIATE");
  try {
    for (const event of events) insert.run(...eventValues(event));
    connection.exec("COMMIT");
  } catch (error) {
    // After SQLITE_FULL and I/O errors SQLite may have rolled back by itself: the first error is the one that counts.
    try {
      connection.exec("ROLLBACK");
    } catch (rollback) {
      if (sqliteErrorCode(rollback) === null) throw rollback;
    }
    throw error;
  }
}

/**
 * Each chunk is a transaction of its own. With several in one, a connection that a firewall forgot between two of them would
 * leave its locks on these very events with the server, and keep the next connection from inserting them for hours.
 */
async function insertIntoMysql(connections: MysqlConnections, events: readonly StoredEvent[]): Promise<void> {
  const connection = await connections.acquire();
  try {
    await connections.guard(connection, async () => {
      const chunks = cutIntoChunks(events, await connections.packetBytes(connection));
      for (const chunk of chunks) await insertChunk(connection, chunk);
    });
    connection.release();
  } catch (error) {
    // What the server made of the last chunk is unknown: the connection goes.
    connection.destroy();
    throw error;
  }
}

/** For the statement, the types of its parameters and the lengths of the values. */
const PACKET_OVERHEAD = 64 * 1024;
const EVENT_OVERHEAD = EVENT_COLUMNS.length * 12;

/**
 * A server answers a packet that is too large by closing the connection, often before the error can be read: so none is sent.
 * @throws an error with code ER_NET_PACKET_TOO_LARGE when one event is too large by itself
 */
function cutIntoChunks(events: readonly StoredEvent[], packetBytes: number): (readonly StoredEvent[])[] {
  const limit = packetBytes - PACKET_OVERHEAD;
  const sizes = events.map(bytesOf);
  const chunks: (readonly StoredEvent[])[] = [];
  for (let start = 0; start < events.length;) {
    let fitting = 0;
    for (let bytes = 0; start + fitting < sizes.length; fitting++) {
      bytes += sizes[start + fitting] ?? 0;
      if (bytes > limit || fitting === CHUNKS[0]) break;
    }
    if (fitting === 0) throw tooLarge(sizes[start] ?? 0, packetBytes);
    const size = CHUNKS.find((candidate) => candidate <= fitting) ?? 1;
    chunks.push(events.slice(start, start + size));
    start += size;
  }
  return chunks;
}

function bytesOf(event: StoredEvent): number {
  let bytes = EVENT_OVERHEAD;
  for (const value of eventValues(event)) if (typeof value === "string") bytes += Buffer.byteLength(value);
  return bytes;
}

function tooLarge(bytes: number, packetBytes: number): Error {
  const message =
    `the event has ${bytes} bytes, and the server takes ${packetBytes} at once: raise its max_allowed_packet, ` +
    "or lower COFI_MAX_PAYLOAD_BYTES";
  return Object.assign(new Error(message), { code: "ER_NET_PACKET_TOO_LARGE" });
}

async function insertChunk(connection: PoolConnection, events: readonly StoredEvent[]): Promise<void> {
  const rows = events.map(() => ROW).join(", ");
  await connection
    .promise()
    .execute(
      `INSERT INTO batchExecutionLog (${COLUMNS}) VALUES ${rows} ON DUPLICATE KEY UPDATE eventId = batchExecutionLog.eventId`,
      events.flatMap(eventValues),
    );
}
