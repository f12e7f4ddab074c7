/** The process that {@link rewriteFile} starts: rewrites the file of its argument, and ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { openSqlite, sqliteErrorCode, type SqliteConnection } from "./sqlite.js";
import type { RewriteMessage } from "./sqlite-rewrite.js";

const SQLITE_BUSY = 5;
/** How long SQLite itself waits for others at a time. */
const WAIT_MS = 1_000;
/** How often that is repeated before the operator hears of it. */
const PATIENCE = 5;
const RETRY_MS = 20;

const [, , path = ""] = process.argv;

async function say(message: RewriteMessage): Promise<void> {
  await new Promise<void>((done) => process.send?.(message, () => done()));
}

/** Tries until it succeeds. @param waitingFor completes the sentence that says why it waits */
async function untilDone(attempt: () => boolean, waitingFor: string): Promise<void> {
  for (let tries = 1; !attempt(); tries++) {
    if (tries === PATIENCE)
      await say({ waiting: `The SQLite file ${path} cannot be rewritten yet: ${waitingFor}. Waiting for it.` });
    await sleep(RETRY_MS);
  }
}

function ifFree(connection: SqliteConnection, sql: string): boolean {
  try {
    connection.exec(sql);
    return true;
  } catch (error) {
    if (sqliteErrorCode(error) !== SQLITE_BUSY) throw error;
    return false;
  }
}

try {
  const connection = openSqlite(path);
  connection.exec(`PRAGMA busy_timeout = ${WAIT_MS}`);
  // What ANALYZE may have sampled of indexed names, if somebody has run it.
  const samples = connection.prepare("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat4'").get();
  if (samples) await untilDone(() => ifFree(connection, "DELETE FROM sqlite_stat4"), "another process writes to it");
  await untilDone(() => ifFree(connection, "VACUUM"), "another process writes to it");
  const checkpoint = connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  await untilDone(
    () => (checkpoint.get() as { busy: number }).busy === 0,
    "another process has been reading it for long, and its write-ahead log is kept for that process",
  );
  connection.close();
} catch (error) {
  await say({ failed: (error as Error).message });
  process.exitCode = 1;
}
process.disconnect?.();
