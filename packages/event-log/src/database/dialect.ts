/** What each supported database has to offer. Everything outside of this room is written for all of them. */
import type { Kysely, RawBuilder, Transaction } from "kysely";
import type { Tables } from "./tables.js";

export type DialectName = "mysql" | "sqlite";

/** Words of an index, of lower-case letters and digits of ASCII, that stand one after the other. */
export interface WordSequence {
  words: readonly string[];
  /** The last one is the beginning of a word. */
  isOpen: boolean;
}

/** What differs between the databases in SQL. */
export interface Dialect {
  /** Folder of its migrations. */
  readonly name: DialectName;
  /** The database's clock: UTC, as the database stores times. */
  readonly now: RawBuilder<string>;
  /** The database's clock `ms` from now; negative for the past. */
  fromNow(ms: number): RawBuilder<string>;
  /**
   * The log, read by way of this index: the optimisers would rather read every row. A subquery for the first or last row of
   * what the outer row names says ORDER BY with the columns of the index from the named ones on: MySQL sorts by `id` alone.
   */
  logBy(index: string): RawBuilder<unknown>;
  /** In which of equal parts of `widthMs`, counted from `from` (a stored time) on, `timestamp` lies: 0 for the first. */
  partOfTime(from: string, widthMs: number): RawBuilder<number>;
  /** Whether this column of a row is NULL, found out without reading its value, which may be long. */
  isNull(column: string): RawBuilder<boolean>;
  /** The ids of the transcripts whose `words` have all of these sequences, by the full-text index, the newest first. */
  transcriptsWith(
    sequences: readonly WordSequence[],
    page: { before: number | null; limit: number },
  ): RawBuilder<{ id: number }>;
  /** Ends a SELECT in a transaction: its rows keep their values until the transaction ends. */
  readonly holdingRows: RawBuilder<unknown>;
  /** Ends a SELECT in a transaction: whoever selects one of its rows in this way waits until the transaction ends. */
  readonly claimingRows: RawBuilder<unknown>;
  /** False when a failed migration leaves the statements before it in force. */
  readonly undoesDdl: boolean;
}

/** Where rows go that may be there already. */
export interface InsertTarget {
  table: keyof Tables;
  /** In the order of the values of a row. */
  columns: readonly string[];
  /** The column that is UNIQUE: a row whose value of it is stored is left as it is. */
  unique: string;
}

export type InsertValue = string | number | null;

export interface EraseOptions {
  /** Ends it early. */
  signal: AbortSignal | undefined;
  /** Called when it has to wait, with a sentence. */
  onWaiting: (message: string) => void;
  /** Whether a run holds the lease of a batch of this database. */
  isRunning: () => Promise<boolean>;
}

export interface Database {
  readonly dialect: Dialect;
  /** A file of this process alone, which is brought up to date whenever it is opened. */
  readonly isEmbedded: boolean;
  readonly kysely: Kysely<Tables>;
  /** The URL without its password. */
  readonly description: string;
  /**
   * Inserts the rows in order, past the query builder: prepared multi-row statements, five times as fast. On an error the
   * first of them may be stored: inserting all again adds no row twice.
   * @throws the driver's error
   */
  insertNew(target: InsertTarget, rows: readonly (readonly InsertValue[])[]): Promise<void>;
  /** Proves that {@link insertNew} is allowed, without a row. @throws the driver's error */
  checkInsert(target: InsertTarget): Promise<void>;
  /**
   * The rows of a SELECT as lists of the values of `columns`, past the query builder: where there are very many of them, objects
   * take several times as long.
   * @throws the driver's error
   */
  lists(columns: readonly string[], select: RawBuilder<unknown>): Promise<InsertValue[][]>;
  /** Runs `work` in a transaction that writes, in which deleting rows that do not exist locks nothing. */
  transaction<T>(work: (db: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** Runs `work` with statements that may take as long as they need, and wait for the locks of others. */
  patiently<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /**
   * Makes what was deleted unreadable in the database's files, as far as these are ours; the files of a server are its own.
   * @returns false when the signal aborted before it was done
   * @throws DatabaseUnavailableError
   */
  eraseRemoved(options: EraseOptions): Promise<boolean>;
  /**
   * For those who read for long: an SQLite file that another one has taken the place of is left, and the other one is opened.
   * Whoever writes must not call it: what it has to write belongs to the database that it opened.
   * @throws DatabaseUnavailableError when there is no file
   */
  followExchange(): Promise<void>;
  close(): Promise<void>;
}
