/** Settings that all commands share: `.env`, the data folder, the database. */
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { AccessLog } from "@cofi/access/access-log";
import { LogKeeper } from "@cofi/access/log-keeper";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { assertMigrated, migrate } from "@cofi/event-log/migrate";
import { Environment, SettingsError } from "@cofi/event-log/environment";
import { databaseUrl } from "@cofi/event-log/settings";
import { Store } from "@cofi/event-log/store";
import { SigningKey } from "@cofi/evidence/seal-keys";
import { EXIT } from "./exit.js";
import { makeFilePrivate, makePrivate } from "./private-files.js";

/** Reads `.env` of the working directory where there is one; variables that are set already win. @throws SettingsError */
export function loadEnvFile(): void {
  if (!existsSync(".env")) return;
  try {
    process.loadEnvFile(".env");
  } catch (error) {
    throw new SettingsError(
      `.env of the working directory cannot be read: ${(error as Error).message.replace(/\.$/, "")}. Make it a text file that this user may read, or remove it.`,
    );
  }
}

/** Folder for the embedded database, the event spool and the engines' files; `COFI_DATA_DIR`, default `data`. */
export function dataDir(): string {
  return resolve(process.env["COFI_DATA_DIR"]?.trim() || "data");
}

export function spoolDir(): string {
  return join(dataDir(), "spool");
}

/** Copies of recordings that somebody has listened to. */
export function listeningDir(): string {
  return join(dataDir(), "listening");
}

/**
 * Makes the folders that a run writes to, before anything of it is in the database.
 * @throws SettingsError
 */
export function prepareDataDir(): void {
  try {
    mkdirSync(spoolDir(), { recursive: true, mode: 0o700 });
    for (const folder of [dataDir(), spoolDir()]) accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { message } = error as Error;
    throw new SettingsError(`The data folder ${dataDir()} cannot be written to: ${message}. Check COFI_DATA_DIR.`);
  }
}

/** Connections a process may hold to MySQL / MariaDB; `COFI_DATABASE_POOL_SIZE`, default 5. */
function poolSize(): number {
  const env = new Environment(process.env);
  const size = env.wholeNumber("COFI_DATABASE_POOL_SIZE", 5, 1, 1_000);
  env.check();
  return size;
}

/**
 * Opens the configured database. The embedded one is always brought up to date; a server's schema is changed by
 * `cofi migrate` and `cofi up` only.
 */
export async function openConfiguredDatabase(options: { migrate: boolean }): Promise<Database> {
  const url = databaseUrl(process.env, dataDir());
  keepPrivate(url);
  const database = await openDatabase(url, { poolSize: poolSize() });
  try {
    if (options.migrate || database.isEmbedded) await migrate(database);
    else await assertMigrated(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/** The data folder, and an SQLite file with what belongs to it, wherever it lies. New files are private by the process's umask. */
function keepPrivate(url: string): void {
  const problem = makePrivate(dataDir());
  if (problem !== null) console.error(problem);
  const path = url.startsWith("sqlite:") ? url.slice("sqlite:".length) : null;
  if (path === null || path.startsWith(":")) return;
  try {
    for (const end of ["", "-wal", "-shm"]) makeFilePrivate(`${path}${end}`);
  } catch (error) {
    console.error(
      `${path} can be read by other users of this machine, and that cannot be changed: ${(error as Error).message}.`,
    );
  }
}

/** What this machine keeps of the access log outside of the database: in the data folder. @throws SettingsError */
export function logKeeper(): LogKeeper {
  try {
    return new LogKeeper(dataDir());
  } catch (error) {
    throw new SettingsError(
      `The access log needs a key, which is in the data folder ${dataDir()}: ${(error as Error).message.replace(/\.$/, "")}. Check COFI_DATA_DIR.`,
    );
  }
}

/** The key by which this machine signs seals and packs: in the data folder. @throws SettingsError */
export function signingKey(): SigningKey {
  try {
    return new SigningKey(dataDir());
  } catch (error) {
    throw new SettingsError(
      `Seals and packs need a key, which is in the data folder ${dataDir()}: ${(error as Error).message.replace(/\.$/, "")}. Check COFI_DATA_DIR.`,
    );
  }
}

/** @throws SettingsError */
export function accessLogOf(database: Database): AccessLog {
  return new AccessLog(database, logKeeper());
}

/** Opens the database, runs `work`, closes it whatever happens. */
export async function withStore<T>(work: (store: Store, database: Database) => Promise<T>): Promise<T> {
  const database = await openConfiguredDatabase({ migrate: false });
  try {
    return await work(new Store(database), database);
  } finally {
    await database.close();
  }
}

/** How much later than agreed a command that was asked to stop is ended in any case. */
const WATCHDOG_MS = 3_000;

/**
 * A signal that aborts on the first Ctrl-C or SIGTERM. The second one ends the process at once, which is
 * safe because acknowledged events are on disk; so does the time, when the command has not ended `endsWithinMs` after the first.
 */
export function abortOnSignal(message: string, endsWithinMs?: number): AbortSignal {
  const controller = new AbortController();
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(EXIT.interrupted);
      if (message) console.error(message);
      if (endsWithinMs !== undefined) endIn(endsWithinMs + WATCHDOG_MS);
      controller.abort(new Error(`stopped by ${signal}`));
    });
  return controller.signal;
}

function endIn(ms: number): void {
  setTimeout(() => {
    console.error(
      "Something did not end in time, so the process ends now. Acknowledged events are on disk; the same command continues.",
    );
    process.exit(EXIT.interrupted);
  }, ms).unref();
}

/** Waits for `work` until the signal aborts. @throws what `work` throws; the signal's reason */
export async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    aborted(signal).then(() => {
      throw signal.reason;
    }),
  ]);
}

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted)
    await new Promise<void>((done) => signal.addEventListener("abort", () => done(), { once: true }));
}
