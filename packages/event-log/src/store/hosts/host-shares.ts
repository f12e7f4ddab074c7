/**
 * Hosts that several runs use: how many files each may have in work there, and which hosts a run has left out. All of it is
 * known by the database, because the runs may be processes of different machines.
 */
import { createHash } from "node:crypto";
import { sql, type Transaction } from "kysely";
import { reportUnavailable } from "../../database/database.js";
import type { Database, InsertTarget } from "../../database/dialect.js";
import type { Tables } from "../../database/tables.js";
import { toApiTime } from "../../time.js";
import { fence, type Run } from "../runs.js";
import { fairShares } from "./fair-shares.js";

/** What a run would like of a host. */
export interface HostWish {
  /** Names the engine for all runs: its stage and URL. */
  host: string;
  /** Files that the host works on at once, for whomever, as far as the run knows. */
  slots: number;
  /** Files that the run could have in work there now. */
  wanted: number;
  /** The same when all of its files have come: so many of the slots that nobody wants are its own. */
  mayWant: number;
  /** Files that it has in work there, or may have before it hears of its share. */
  held: number;
}

export interface HostShare {
  /** Files that the run may have in work there: what is in work beyond that may end. */
  share: number;
  /** By a run: since when (the same for one occasion), and for how much longer. */
  leftOut: { at: string; agoMs: number; forMs: number; byBatch: number } | null;
}

const HOSTS: InsertTarget = { table: "engineHost", columns: ["host"], unique: "host" };

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class HostShares {
  readonly #database: Database;
  readonly #known = new Set<string>();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Divides the slots of these hosts anew. What others have is theirs until they give it back: the sum of what runs have in work
   * on a host does not exceed its slots. Where runs say different numbers of them, the least counts.
   * @throws RunSupersededError when a newer run of the batch has begun: what that one has would be taken from it
   */
  async share(run: Run, wishes: readonly HostWish[]): Promise<Map<string, HostShare>> {
    const hosts = wishes.map(({ host }) => host).toSorted();
    if (hosts.length === 0) return new Map();
    for (;;) {
      const isNew = hosts.filter((host) => !this.#known.has(host)).map((host) => [host]);
      if (isNew.length > 0) await this.#query(() => this.#database.insertNew(HOSTS, isNew));
      for (const host of hosts) this.#known.add(host);
      const shares = await this.#query(() => this.#database.transaction((db) => this.#shareIn(db, run, wishes, hosts)));
      if (shares !== null) return shares;
      this.#known.clear();
    }
  }

  /** @returns null where a host is not known any more, since no run has used it for a while */
  async #shareIn(
    db: Transaction<Tables>,
    run: Run,
    wishes: readonly HostWish[],
    hosts: readonly string[],
  ): Promise<Map<string, HostShare> | null> {
    const { now, claimingRows } = this.#database.dialect;
    await fence(this.#database, db, run);
    // Whoever divides the slots of one of these hosts at the same time waits here.
    const { rows: states } = await sql<HostRow>`
      SELECT host, leftOutAt, leftOutUntil, leftOutBy, ${now} AS now FROM engineHost
      WHERE host IN (${sql.join(hosts)}) ORDER BY host ${claimingRows}`.execute(db);
    if (states.length < hosts.length) return null;
    const uses = await usesOf(this.#database, db, hosts);
    const others = uses.filter(({ batchId, isHeld }) => batchId !== run.batchId && Number(isHeld) === 1);
    const nowText = states[0]?.now ?? "";
    const nowMs = timeOf(nowText);
    const before = new Map(
      uses.flatMap((use) => (use.batchId === run.batchId && use.run === run.run ? [[use.host, use]] : [])),
    );
    const shares = new Map<string, HostShare>();
    const rows = wishes.map(({ host, slots, wanted, mayWant, held }) => {
      const ofHost = others.filter((use) => use.host === host && (use.slots > 0 || use.wanted > 0));
      const least = Math.min(slots, ...ofHost.map((use) => use.hostSlots));
      const own = before.get(host) ?? { slots: 0, servedAt: null };
      const turns = [...ofHost, { ...own, batchId: run.batchId, wanted }].map((use) => ({
        ...use,
        servedAt: use.servedAt === null ? null : timeOf(use.servedAt),
      }));
      const due = fairShares(least, turns, { now: nowMs, host: numberOf(host) });
      const spare = least - [...due.values()].reduce((sum, each) => sum + each, 0);
      const free = least - ofHost.reduce((sum, use) => sum + use.slots, 0);
      const share = Math.max(0, Math.min((due.get(run.batchId) ?? 0) + spare, Math.max(wanted, mayWant), free));
      shares.set(host, { share, leftOut: null });
      // What it has beyond the share is still held.
      const has = Math.max(share, held);
      const servedAt = has > own.slots ? nowText : own.servedAt;
      return { host, batchId: run.batchId, run: run.run, slots: has, wanted, hostSlots: slots, servedAt };
    });
    for (const { host, leftOutAt, leftOutUntil, leftOutBy } of states) {
      if (leftOutAt === null || leftOutUntil === null || leftOutBy === null) continue;
      const forMs = timeOf(leftOutUntil) - nowMs;
      const agoMs = nowMs - timeOf(leftOutAt);
      if (forMs > 0) shares.get(host)!.leftOut = { at: leftOutAt, agoMs, forMs, byBatch: leftOutBy };
    }
    await this.#store(db, run, rows, uses);
    return shares;
  }

  /** Nothing is written where nothing has changed: the usual case. */
  async #store(db: Transaction<Tables>, run: Run, rows: readonly Omit<UseRow, "isHeld">[], before: readonly UseRow[]) {
    const own = new Map(before.filter(({ batchId }) => batchId === run.batchId).map((use) => [use.host, use]));
    const changed = rows.filter(({ host, slots, wanted, hostSlots }) => {
      const known = own.get(host);
      if (known?.run !== run.run) return true;
      return known.slots !== slots || known.wanted !== wanted || known.hostSlots !== hostSlots;
    });
    if (changed.length > 0) {
      const hosts = changed.map(({ host }) => host);
      await db.deleteFrom("engineHostUse").where("batchId", "=", run.batchId).where("host", "in", hosts).execute();
      await db.insertInto("engineHostUse").values(changed).execute();
    }
    // Of runs that ended without a word.
    for (const { host, batchId, isHeld } of before)
      if (batchId !== run.batchId && Number(isHeld) === 0)
        await db.deleteFrom("engineHostUse").where("batchId", "=", batchId).where("host", "=", host).execute();
  }

  /** A run leaves the host out for so long. */
  async leaveOut({ batchId }: Run, host: string, forMs: number): Promise<void> {
    const { now, fromNow } = this.#database.dialect;
    await this.#query(() => this.#update(host, { leftOutAt: now, leftOutUntil: fromNow(forMs), leftOutBy: batchId }));
  }

  /** A run has had an answer of the host. */
  async takeBack(host: string): Promise<void> {
    await this.#query(() => this.#update(host, { leftOutAt: null, leftOutUntil: null, leftOutBy: null }));
  }

  async #update(host: string, values: object): Promise<void> {
    await this.#database.kysely.updateTable("engineHost").set(values).where("host", "=", host).execute();
  }

  /** The run uses these hosts no more. */
  async release({ batchId, run }: Run, hosts: readonly string[]): Promise<void> {
    if (hosts.length === 0) return;
    await this.#query(async () => {
      await this.#database.kysely
        .deleteFrom("engineHostUse")
        .where("batchId", "=", batchId)
        .where("run", "=", run)
        .where("host", "in", [...hosts])
        .execute();
    });
  }

  #query<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.#database, work);
  }
}

interface HostRow {
  host: string;
  leftOutAt: string | null;
  leftOutUntil: string | null;
  leftOutBy: number | null;
  now: string;
}

/** What runs have of these hosts; of runs that are over, too. */
export async function usesOf(
  { dialect }: Database,
  db: Transaction<Tables>,
  hosts: readonly string[],
): Promise<UseRow[]> {
  const { rows } = await sql<UseRow>`
    SELECT used.host, used.batchId, used.run, used.slots, used.wanted, used.hostSlots, used.servedAt, CASE WHEN batch.run = used.run
      AND batch.leaseOwner IS NOT NULL AND batch.leaseExpiresAt >= ${dialect.now} THEN 1 ELSE 0 END AS isHeld
    FROM engineHostUse AS used LEFT JOIN batchStatus AS batch ON batch.id = used.batchId
    WHERE used.host IN (${sql.join(hosts)})`.execute(db);
  return rows;
}

export interface UseRow {
  host: string;
  batchId: number;
  run: number;
  slots: number;
  wanted: number;
  hostSlots: number;
  servedAt: string | null;
  /** 1 while the run holds the lease of its batch. */
  isHeld: number;
}

/** Epoch ms. */
function timeOf(stored: string): number {
  return Date.parse(toApiTime(stored));
}

function numberOf(host: string): number {
  return createHash("sha1").update(host).digest().readUInt16BE(0);
}
