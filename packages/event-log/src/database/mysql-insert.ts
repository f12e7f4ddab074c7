/** Many rows into MySQL: prepared multi-row statements; the query builder's text protocol is slower than single inserts. */
import type { PoolConnection } from "mysql2";
import type { InsertTarget, InsertValue } from "./dialect.js";
import type { MysqlConnections } from "./mysql-connections.js";
import { runStatement } from "./mysql-statements.js";

type Row = readonly InsertValue[];

/** Few sizes, so that each connection holds few prepared statements; the rows are cut into them. */
const CHUNKS = [256, 64, 16, 4, 1] as const;

/**
 * Each chunk is a transaction of its own. With several in one, a connection that a firewall forgot between two of them would
 * leave its locks on these very rows with the server, and keep the next connection from inserting them for hours.
 */
export async function insertRows(
  connections: MysqlConnections,
  target: InsertTarget,
  rows: readonly Row[],
): Promise<void> {
  const connection = await connections.acquire();
  try {
    await connections.guard(connection, async () => {
      const chunks = cutIntoChunks(rows, connections.packetBytes(connection));
      for (const chunk of chunks) await insertChunk(connection, target, chunk);
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
const VALUE_OVERHEAD = 12;

/**
 * A server answers a packet that is too large by closing the connection, often before the error can be read: so none is sent.
 * @throws an error with code ER_NET_PACKET_TOO_LARGE when one row is too large by itself
 */
function cutIntoChunks(rows: readonly Row[], packetBytes: number): (readonly Row[])[] {
  const limit = packetBytes - PACKET_OVERHEAD;
  const sizes = rows.map(bytesOf);
  const chunks: (readonly Row[])[] = [];
  for (let start = 0; start < rows.length;) {
    let fitting = 0;
    for (let bytes = 0; start + fitting < sizes.length; fitting++) {
      bytes += sizes[start + fitting] ?? 0;
      if (bytes > limit || fitting === CHUNKS[0]) break;
    }
    if (fitting === 0) throw tooLarge(sizes[start] ?? 0, packetBytes);
    const size = CHUNKS.find((candidate) => candidate <= fitting) ?? 1;
    chunks.push(rows.slice(start, start + size));
    start += size;
  }
  return chunks;
}

function bytesOf(row: Row): number {
  let bytes = row.length * VALUE_OVERHEAD;
  for (const value of row) if (typeof value === "string") bytes += Buffer.byteLength(value);
  return bytes;
}

function tooLarge(bytes: number, packetBytes: number): Error {
  const message =
    `the event has ${bytes} bytes, and the server takes ${packetBytes} at once: raise its max_allowed_packet, ` +
    "or lower COFI_MAX_PAYLOAD_BYTES";
  return Object.assign(new Error(message), { code: "ER_NET_PACKET_TOO_LARGE" });
}

async function insertChunk(connection: PoolConnection, target: InsertTarget, rows: readonly Row[]): Promise<void> {
  const row = `(${target.columns.map(() => "?").join(", ")})`;
  const statement = insertStatement(target, `VALUES ${rows.map(() => row).join(", ")}`);
  await runStatement(connection, statement, rows.flat(), { keep: true });
}

/** Inserts nothing, with the privileges that {@link insertRows} needs. @throws DatabaseError when one is missing */
export async function insertNothing(connections: MysqlConnections, target: InsertTarget): Promise<void> {
  const connection = await connections.acquire();
  const none = `SELECT ${target.columns.map(() => "NULL").join(", ")} FROM DUAL WHERE 1 = 0`;
  try {
    await connections.guard(connection, () => runStatement(connection, insertStatement(target, none)));
  } finally {
    connection.release();
  }
}

function insertStatement({ table, columns, unique }: InsertTarget, source: string): string {
  return `INSERT INTO ${table} (${columns.join(", ")}) ${source} ON DUPLICATE KEY UPDATE ${unique} = ${table}.${unique}`;
}
