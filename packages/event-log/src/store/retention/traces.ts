/** Content that was removed from the tables, and may still be readable in the files of the database. */
import type { Kysely } from "kysely";
import type { Database } from "../../database/dialect.js";
import type { Tables } from "../../database/tables.js";
import { StoppedError, type Patience } from "./patience.js";

/** Said in each transaction that removes something: the next {@link eraseTraces} that begins has work to do, whoever runs it. */
export async function leaveTraces({ dialect }: Database, db: Kysely<Tables>): Promise<void> {
  await db.updateTable("retention").set({ tracesSince: dialect.now }).execute();
}

/**
 * Makes removed content unreadable in the files of an embedded database, if any was left there since the last time; it waits for
 * other processes as long as it takes. When it is stopped, the next time does it.
 * @throws StoppedError; DatabaseUnavailableError that says what to do, when the disk has no room for it
 */
export async function eraseTraces(database: Database, patience: Patience): Promise<void> {
  const { kysely, dialect } = database;
  const { signal, onWaiting } = patience;
  const traces = kysely.selectFrom("retention").select("tracesSince");
  const since = (await patience.until(() => traces.executeTakeFirst()))?.tracesSince;
  if (!since) return;
  const held = kysely.selectFrom("batchStatus").select("id").where("leaseExpiresAt", ">", dialect.now).limit(1);
  const isRunning = async (): Promise<boolean> => (await patience.until(() => held.execute())).length > 0;
  if (!(await database.eraseRemoved({ signal, onWaiting, isRunning }))) throw new StoppedError();
  // Only those: a process that has taken over meanwhile may have left others.
  const erased = kysely.updateTable("retention").set({ tracesSince: null }).where("tracesSince", "=", since);
  await patience.until(() => erased.execute());
}
