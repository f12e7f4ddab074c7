/** What can still be read of a spool file that is damaged. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { EVENT_COLUMNS, type StoredEvent } from "./event-insert.js";
import { EVENT_TYPES } from "./events.js";
import { openSqlite, sqliteErrorCode } from "./sqlite.js";

export interface Salvage {
  events: StoredEvent[];
  /** At most so many could not be read; null when that cannot be told. */
  lost: number | null;
  /** Where the damaged file is kept. */
  keptAs: string;
}

/** SQLITE_CORRUPT, SQLITE_NOTADB, and SQLITE_CONSTRAINT: what the spool's check at opening fails with. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26, 19]);

export function isDamage(error: unknown): boolean {
  return DAMAGED.has(sqliteErrorCode(error) ?? 0);
}

/** Puts the damaged spool aside, its write-ahead log with it, and reads what is readable. Nobody else may have it open. */
export function salvage(path: string): Salvage {
  const keptAs = freePath(`${path}.damaged`);
  const copy = `${keptAs}.copy`;
  try {
    for (const suffix of FILES) {
      if (!existsSync(path + suffix)) continue;
      copyFileSync(path + suffix, copy + suffix);
      renameSync(path + suffix, keptAs + suffix);
    }
    padWithEmptyPages(copy);
    return { ...readableEvents(copy), keptAs };
  } finally {
    for (const suffix of [...FILES, "-shm"]) rmSync(copy + suffix, { force: true });
  }
}

/** The main file last: until it is gone, a process that dies here leaves everything to the next one. */
const FILES = ["-wal", "-journal", ""];

/** SQLite refuses a file that is shorter than its header says (https://www.sqlite.org/fileformat2.html), whatever else it holds. */
function padWithEmptyPages(path: string): void {
  const file = openSync(path, "r+");
  try {
    const header = Buffer.alloc(32);
    if (readSync(file, header, 0, 32, 0) < 32) return;
    const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
    const bytes = pageBytes * header.readUInt32BE(28);
    if (bytes > fstatSync(file).size && bytes <= MOST_PADDED_BYTES) ftruncateSync(file, bytes);
  } finally {
    closeSync(file);
  }
}

/** A damaged header may say anything. The pages added take no room on the disk. */
const MOST_PADDED_BYTES = 2 ** 36;

function freePath(wanted: string): string {
  for (let n = 1; ; n++) {
    const path = `${wanted}-${n}`;
    if (!existsSync(path)) return path;
  }
}

function readableEvents(path: string): Omit<Salvage, "keptAs"> {
  const events: StoredEvent[] = [];
  let lost = 0;
  const connection = openSqlite(path);
  try {
    const columns = EVENT_COLUMNS.join(", ");
    const next = attempt(() =>
      connection.prepare(`SELECT seq, ${columns} FROM event WHERE seq >= ? ORDER BY seq LIMIT 1`),
    );
    const one = attempt(() => connection.prepare(`SELECT seq, ${columns} FROM event WHERE seq = ?`));
    const end =
      highest(attempt(() => connection.prepare("SELECT seq FROM sqlite_sequence").get())) ??
      highest(attempt(() => connection.prepare("SELECT max(seq) AS seq FROM event").get()));
    if (next === DAMAGE || one === DAMAGE || end === null) return { events, lost: null };
    let misses = 0;
    for (let seq = 1; seq <= end;) {
      let row = attempt(() => next.get(seq));
      if (row === undefined) break;
      // Somewhere behind is damage: go on one by one.
      if (row === DAMAGE) row = attempt(() => one.get(seq));
      if (isSpooled(row) && row.seq >= seq) {
        const { seq: found, ...event } = row;
        events.push(event);
        seq = found + 1;
        misses = 0;
        continue;
      }
      if (row !== undefined) lost += 1;
      seq += 1;
      misses += 1;
      if (misses > MOST_MISSES) return { events, lost: null };
    }
    return { events, lost };
  } finally {
    connection.close();
  }
}

const DAMAGE = Symbol("damage");
/** A damaged file may claim any number of rows. */
const MOST_MISSES = 200_000;

/** In a damaged file any statement may fail with any error: all of them mean that there is nothing to be had here. */
function attempt<T>(read: () => T): T | typeof DAMAGE {
  try {
    return read();
  } catch {
    return DAMAGE;
  }
}

function highest(row: unknown): number | null {
  const seq = (row as { seq?: unknown } | undefined)?.seq;
  return typeof seq === "number" && seq > 0 ? seq : null;
}

/** Damage can also turn up as a row with other content. */
function isSpooled(row: unknown): row is StoredEvent & { seq: number } {
  const { seq, batchId, timestamp, stage, eventType, eventId } = (row ?? {}) as Record<string, unknown>;
  return (
    Number.isSafeInteger(seq) &&
    Number.isSafeInteger(batchId) &&
    /^\d{4}-\d\d-\d\d [\d:.]+$/.test(String(timestamp)) &&
    typeof stage === "string" &&
    (EVENT_TYPES as readonly unknown[]).includes(eventType) &&
    typeof eventId === "string" &&
    /^[\w-]{1,36}$/.test(eventId)
  );
}
