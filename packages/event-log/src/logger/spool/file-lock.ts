/**
 * A lock that dies with its process, for Node has none: an SQLite transaction that is never committed. The file stays empty.
 */
import { rmSync, statSync, writeFileSync } from "node:fs";
import { openSqlite, sqliteErrorCode, type SqliteConnection } from "../../database/sqlite.js";

/** https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

export class FileLock {
  readonly #path: string;
  readonly #connection: SqliteConnection;

  private constructor(path: string, connection: SqliteConnection) {
    this.#path = path;
    this.#connection = connection;
  }

  /**
   * Takes the lock on `path`, whose folder must exist.
   * @returns null while somebody else holds it
   */
  static take(path: string): FileLock | null {
    for (;;) {
      const before = identity(path) ?? create(path);
      const connection = openSqlite(path);
      try {
        connection.exec("BEGIN EXCLUSIVE");
      } catch (error) {
        connection.close();
        const code = sqliteErrorCode(error);
        if (code === SQLITE_BUSY) return null;
        if (code !== SQLITE_NOTADB) throw error;
        // Nobody can hold a lock on something else than a lock.
        rmSync(path);
        continue;
      }
      // Its last holder removed the file between the look and the lock: what is held now is no longer there.
      if (before !== null && identity(path) === before) return new FileLock(path, connection);
      connection.close();
    }
  }

  /** Removes the file, then gives it up: in this order nobody can take a file that is about to go. */
  release(): void {
    rmSync(this.#path, { force: true });
    this.#connection.close();
  }
}

/** Which file this is, whatever its name; null when there is none. */
function identity(path: string): string | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? `${stats.dev} ${stats.ino} ${stats.birthtimeNs}` : null;
}

/** Only ever a new file: to close one that this process has locked would drop its lock (POSIX). */
function create(path: string): string | null {
  try {
    writeFileSync(path, "", { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return identity(path);
}
