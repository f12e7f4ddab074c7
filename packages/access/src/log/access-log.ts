/** The access log: who did what, when and why. It is only added to, and an entry is committed before what it allows happens. */
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { isDuplicate, reportUnavailable, type Database } from "@cofi/event-log/database";
import type { ChainEnd } from "@cofi/event-log/kept-outside";
import { toApiTime, toDatabaseTime } from "@cofi/event-log/time";
import { hashOfRow, NO_HASH, type ChainedRow } from "./chain.js";
import type { Action, Entry, NewEntry } from "./entries.js";
import type { LogKeeper } from "./keeper.js";

/** Rows of one statement. */
const MOST_TOGETHER = 100;
/** Pause in ms before another try when another process was faster: random, up to this multiple of the tries so far. */
const PAUSE_MS = 5;
/** Far more than processes that write at the same time; each try is lost to one that succeeded. */
const MOST_TRIES = 1_000;
/** Characters that the columns hold. */
const LENGTHS = { who: 255, role: 20, what: 500, why: 1_000, request: 64, address: 64 } as const;

interface Waiting {
  entry: NewEntry;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export interface EntryFilter {
  who?: string | undefined;
  action?: Action | undefined;
  batchId?: number | undefined;
  /** At this time or later; ISO 8601. */
  from?: string | undefined;
  /** Before this time. */
  to?: string | undefined;
}

/** Where the log ends, and by what clock. */
interface Now {
  now: string;
  databaseId: string;
  /** null for an empty log. */
  end: ChainEnd | null;
}

export class AccessLog {
  readonly #database: Database;
  readonly #keeper: LogKeeper;
  #waiting: Waiting[] = [];
  #isWriting = false;

  /** @param keeper signs what is added from here, and notes where the log ends */
  constructor(database: Database, keeper: LogKeeper) {
    this.#database = database;
    this.#keeper = keeper;
  }

  /**
   * Resolves when the entry is committed. Those of one process that come at the same time share a statement; processes that write at the
   * same time take their turns by the primary key.
   * @throws DatabaseUnavailableError, or the error of the file system, when it cannot be: what it would allow must not happen
   */
  add(entry: NewEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      if (!this.#isWriting) void this.#write();
    });
  }

  /** Newest first. `nextCursor` is the `before` of the next page; null on the last. @throws DatabaseUnavailableError */
  async entries(
    { who, action, batchId, from, to }: EntryFilter,
    { before, limit }: { before?: number | undefined; limit: number },
  ): Promise<{ entries: Entry[]; nextCursor: string | null }> {
    let select = this.#database.kysely.selectFrom("accessLog").selectAll().orderBy("seq", "desc");
    if (who !== undefined) select = select.where("who", "=", who);
    if (action !== undefined) select = select.where("action", "=", action);
    if (batchId !== undefined) select = select.where("batchId", "=", batchId);
    if (from !== undefined) select = select.where("at", ">=", toDatabaseTime(new Date(from)));
    if (to !== undefined) select = select.where("at", "<", toDatabaseTime(new Date(to)));
    if (before !== undefined) select = select.where("seq", "<", before);
    const rows = await reportUnavailable(this.#database, () => select.limit(limit + 1).execute());
    const entries = rows
      .slice(0, limit)
      .map(({ previousHash: _previous, keyId: _key, action: stored, at, ...row }) => ({
        ...row,
        action: stored as Action,
        at: toApiTime(at),
      }));
    return { entries, nextCursor: rows.length > limit ? String(entries.at(-1)?.seq) : null };
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const together = this.#waiting.splice(0, MOST_TOGETHER);
      try {
        await this.#append(together.map(({ entry }) => entry));
        for (const { resolve } of together) resolve();
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#isWriting = false;
  }

  /** A row whose number another process has taken meanwhile is refused by the primary key, and with it all of the statement. */
  async #append(entries: readonly NewEntry[]): Promise<void> {
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      const { databaseId, ...before } = await this.#now();
      const rows = this.#chained(entries, before);
      try {
        await reportUnavailable(this.#database, () =>
          this.#database.kysely.insertInto("accessLog").values(rows).execute(),
        );
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        await sleep(Math.random() * PAUSE_MS * Math.min(tries, 20));
        continue;
      }
      this.#keeper.note(databaseId, rows.at(-1)!);
      return;
    }
    throw new Error(`Other processes were faster ${MOST_TRIES} times: no entry was added to the access log.`);
  }

  async #now(): Promise<Now> {
    const { rows } = await reportUnavailable(this.#database, () =>
      sql<{ now: string; databaseId: string; seq: number | null; hash: string | null }>`
        SELECT ${this.#database.dialect.now} AS now, databaseIdentity.id AS databaseId, last.seq, last.hash FROM databaseIdentity
        LEFT JOIN (SELECT seq, hash FROM accessLog ORDER BY seq DESC LIMIT 1) AS last ON 1 = 1`.execute(
        this.#database.kysely,
      ),
    );
    const [row] = rows;
    if (!row) throw new Error("The database has no identity: it was not migrated. Run `npx cofi migrate`.");
    const { now, databaseId, seq, hash } = row;
    return { now, databaseId, end: seq === null || hash === null ? null : { seq: Number(seq), hash } };
  }

  #chained(entries: readonly NewEntry[], { now, end }: Omit<Now, "databaseId">): (ChainedRow & { hash: string })[] {
    let { seq, hash: previousHash } = end ?? { seq: 0, hash: NO_HASH };
    return entries.map(({ action, batchId, ...texts }) => {
      seq += 1;
      const row = { seq, at: now, action, batchId, ...fitting(texts), keyId: this.#keeper.keyId, previousHash };
      previousHash = hashOfRow(row, (text) => this.#keeper.sign(text));
      return { ...row, hash: previousHash };
    });
  }
}

/** As the columns take them: what is read back must have the same hash. */
function fitting<Texts extends Record<keyof typeof LENGTHS, string>>(
  texts: Texts,
): Record<keyof typeof LENGTHS, string> {
  const fit = (name: keyof typeof LENGTHS): string => {
    const text = texts[name].replaceAll("\0", " ");
    // Through bytes, for half a character at the end or elsewhere.
    return Buffer.from(text.length > LENGTHS[name] ? `${text.slice(0, LENGTHS[name] - 1)}…` : text).toString();
  };
  return {
    who: fit("who"),
    role: fit("role"),
    what: fit("what"),
    why: fit("why"),
    request: fit("request"),
    address: fit("address"),
  };
}
