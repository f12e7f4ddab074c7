/**
 * Hosts that no run uses, and none has left out: what is known of them says nothing to anybody. A run that comes to use one again
 * finds that it is not known, and adds it.
 */
import { sql, type Transaction } from "kysely";
import type { Database } from "../../database/dialect.js";
import type { Tables } from "../../database/tables.js";
import { usesOf } from "./host-shares.js";

/** Hosts that are held for others while it is looked who uses them. */
const HOSTS_A_STEP = 100;

/**
 * Removes the unused ones of the next hosts in their order, and what runs have of these hosts that ended without a word. The
 * hosts are claimed first, as by whoever divides their slots: nobody comes to use one meanwhile.
 * @returns the last host that it looked at; null when there are no more
 */
export async function removeUnusedHosts(
  database: Database,
  db: Transaction<Tables>,
  after: string | null,
): Promise<string | null> {
  const { now, claimingRows } = database.dialect;
  const { rows } = await sql<{ host: string; isOut: number }>`
    SELECT host, CASE WHEN leftOutUntil >= ${now} THEN 1 ELSE 0 END AS isOut FROM engineHost
    WHERE host > ${after ?? ""} ORDER BY host LIMIT ${sql.lit(HOSTS_A_STEP)} ${claimingRows}`.execute(db);
  const hosts = rows.map(({ host }) => host);
  if (hosts.length === 0) return null;
  const uses = await usesOf(database, db, hosts);
  for (const { host, batchId, run, isHeld } of uses)
    if (Number(isHeld) === 0)
      await db
        .deleteFrom("engineHostUse")
        .where("host", "=", host)
        .where("batchId", "=", batchId)
        .where("run", "=", run)
        .execute();
  const isUsed = new Set(uses.filter(({ isHeld }) => Number(isHeld) === 1).map(({ host }) => host));
  const unused = rows.filter(({ host, isOut }) => Number(isOut) === 0 && !isUsed.has(host)).map(({ host }) => host);
  if (unused.length > 0) await db.deleteFrom("engineHost").where("host", "in", unused).execute();
  return hosts.at(-1)!;
}
