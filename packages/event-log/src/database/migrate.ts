/**
 * Numbered, append-only SQL files, one folder a dialect, applied by kysely's Migrator: it locks, so that of two
 * migrators at once one waits, and refuses a history that was reordered or edited away.
 */
import { readdir, readFile } from "node:fs/promises";
import { type Kysely, Migrator, sql, type Migration } from "kysely";
import { reportUnavailable } from "./database.js";
import type { Database } from "./dialect.js";
import { isDenied, isUnavailable } from "./errors.js";
import type { Tables } from "./tables.js";

/** The schema is not the one this version needs, or a migration failed. The message says what to do. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

const FOLDER = new URL("../../migrations/", import.meta.url);
const FILE = /^\d{4}_[a-z_]+\.sql$/;

/** `-- comment` lines go; statements end with `;` at the end of a line (DDL only: no strings that hold one). */
function statements(text: string): string[] {
  return text
    .replaceAll(/^--.*$/gm, "")
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter(Boolean);
}

async function readMigrations(database: Database): Promise<Record<string, Migration>> {
  const folder = new URL(`${database.dialect.name}/`, FOLDER);
  const migrations: Record<string, Migration> = {};
  for (const file of (await readdir(folder)).filter((name) => FILE.test(name)).toSorted()) {
    const text = await readFile(new URL(file, folder), "utf8");
    migrations[file.replace(/\.sql$/, "")] = {
      async up(db) {
        for (const statement of statements(text)) await sql.raw(statement).execute(db);
      },
    };
  }
  return migrations;
}

function migrator(database: Database, db: Kysely<Tables>): Migrator {
  return new Migrator({ db, provider: { getMigrations: () => readMigrations(database) } });
}

/**
 * Brings the schema up to date.
 * @returns the names of the migrations applied now, in order; empty when there was nothing to do
 * @throws MigrationError naming the migration and the cause; DatabaseUnavailableError; DatabaseRejectedError
 */
export async function migrate(database: Database): Promise<string[]> {
  const { error, results = [] } = await database.patiently((db) => migrator(database, db).migrateToLatest());
  if (error) {
    if (isUnavailable(error) || isDenied(error))
      await reportUnavailable(database, () => Promise.reject(error as Error));
    const failed = results.find((result) => result.status === "Error")?.migrationName;
    throw new MigrationError(
      `${failed ? `Migration ${failed}` : "The migration"} of ${database.description} failed: ${(error as Error).message}.` +
        (failed && !database.dialect.undoesDdl
          ? " MySQL does not undo DDL: look at which of its statements took effect before you run it again."
          : ""),
      { cause: error },
    );
  }
  return results.map((result) => result.migrationName);
}

/**
 * Proves that every migration is applied.
 * @throws MigrationError naming the first that is missing, and `cofi migrate`
 */
export async function assertMigrated(database: Database): Promise<void> {
  const migrations = await reportUnavailable(database, () => migrator(database, database.kysely).getMigrations());
  const missing = migrations.find((migration) => !migration.executedAt);
  if (missing)
    throw new MigrationError(
      `The database ${database.description} lacks migration ${missing.name}. Run \`npx cofi migrate\` first.`,
    );
}
