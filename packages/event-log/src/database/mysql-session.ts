/**
 * The session of a connection: everything that a server, its configuration or its `init_connect` may have set and that
 * would make our statements mean, store or return something else. It is set outright and read back before the first
 * statement; a server on which that fails is refused with a sentence.
 */
import type { PoolConnection, ResultSetHeader } from "mysql2";
import { DatabaseRejectedError, DatabaseUnavailableError } from "./errors.js";
import { runStatement } from "./mysql-statements.js";

export interface SessionNeeds {
  /** For messages: the URL without its password. */
  description: string;
  /** s that a statement waits for locks: longer than its caller does, or it would stand in the way of others for hours. */
  lockWaitS: number;
  /** s after which the server ends a session that says nothing, and so gives back the locks of its transaction. */
  silenceS: number;
  /** Prepared statements that all connections of this process may hold at once. */
  statements: number;
}

/** What a session says of its server. */
export interface Session {
  /** The longest packet that the server takes. */
  packetBytes: number;
}

/** Strict, standard, and nothing that changes how text is parsed: no NO_BACKSLASH_ESCAPES, ANSI_QUOTES, PIPES_AS_CONCAT. */
const SQL_MODE =
  "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

const UNLIMITED = "18446744073709551615";

/** Known to every supported server, by name as SHOW VARIABLES gives them. */
const SETTINGS: Readonly<Record<string, string>> = {
  // Off, or chained, what was acknowledged would vanish with the connection.
  autocommit: "ON",
  completion_type: "NO_CHAIN",
  sql_mode: SQL_MODE,
  time_zone: "+00:00",
  // Rows that come, or are found, by other rules than those written in the statement.
  sql_auto_is_null: "OFF",
  sql_safe_updates: "OFF",
  sql_select_limit: UNLIMITED,
  sql_big_selects: "ON",
  // ORDER BY looks at so many bytes of a name: at all of them.
  max_sort_length: "1024",
  foreign_key_checks: "ON",
  unique_checks: "ON",
  // The table of the migrations names no engine; in another one it could not be trusted after a crash.
  default_storage_engine: "InnoDB",
  // s that a packet may take on its way: as long as without configuration, for networks that are slow.
  net_read_timeout: "30",
  net_write_timeout: "60",
};

/** How long a statement may take is decided here, and longer for migrations. JSON columns are CHECKs in MariaDB. */
const MARIADB_SETTINGS: Readonly<Record<string, string>> = {
  max_statement_time: "0.000000",
  check_constraint_checks: "ON",
  // MySQL has no such limits; `wait_timeout` is the one for both.
  idle_transaction_timeout: "0",
  idle_write_transaction_timeout: "0",
  idle_readonly_transaction_timeout: "0",
};
const MYSQL_SETTINGS: Readonly<Record<string, string>> = { max_execution_time: "0" };

/** What SET NAMES and SET TRANSACTION have set, for reading back; servers know one name of each of the last two or both. */
const RESULTS: Readonly<Record<string, string>> = {
  character_set_client: "utf8mb4",
  character_set_connection: "utf8mb4",
  character_set_results: "utf8mb4",
  collation_connection: "utf8mb4_bin",
  transaction_isolation: "READ-COMMITTED",
  tx_isolation: "READ-COMMITTED",
  transaction_read_only: "OFF",
  tx_read_only: "OFF",
};

const FACTS = [
  "version",
  "read_only",
  "innodb_read_only",
  "log_bin",
  "binlog_format",
  "max_prepared_stmt_count",
  "max_allowed_packet",
];

/** SERVER_STATUS_IN_TRANS of the protocol. */
const IN_TRANSACTION = 1;

/** Modes in which MariaDB takes another product's SQL. */
const FOREIGN_MODES: ReadonlySet<string> = new Set(["ORACLE", "MSSQL", "DB2", "POSTGRESQL", "MAXDB"]);

/**
 * Prepares a new connection; nothing else may have been asked of it.
 * @throws DatabaseRejectedError naming the server's setting and the remedy; DatabaseUnavailableError for a server that
 *   only reads; DatabaseError
 */
export async function openSession(connection: PoolConnection, needs: SessionNeeds): Promise<Session> {
  const wanted: Readonly<Record<string, string>> = {
    ...SETTINGS,
    lock_wait_timeout: String(needs.lockWaitS),
    innodb_lock_wait_timeout: String(needs.lockWaitS),
    // A host that is frozen or cut off in the middle of a transaction keeps its locks, and another one could not take its
    // batch over. It says nothing: within a transaction too, and in the middle of a packet, this ends its session.
    wait_timeout: String(needs.silenceS),
  };
  // Text compares by its bytes, as the columns do, whatever the server's default is. MySQL reads what follows `M!` as a
  // comment, and MariaDB what follows a version of MySQL 5.7.
  const status = await set(
    connection,
    needs,
    `SET NAMES utf8mb4 COLLATE utf8mb4_bin, ${assignments(wanted)} ` +
      `/*M!100000 , ${assignments(MARIADB_SETTINGS)} */ /*!50701 , ${assignments(MYSQL_SETTINGS)} */`,
  );
  // What `init_connect` has begun would never be committed.
  if (status & IN_TRANSACTION) await set(connection, needs, "ROLLBACK AND NO CHAIN NO RELEASE");
  // At MySQL's default level, deleting rows that do not exist locks the gap they would stand in.
  await set(connection, needs, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE");

  const expected = { ...wanted, ...MARIADB_SETTINGS, ...MYSQL_SETTINGS, ...RESULTS };
  const found = await variables(connection, [...Object.keys(expected), ...FACTS]);
  const [name] = Object.keys(different(expected, found));
  if (name !== undefined)
    throw rejected(
      needs,
      `its server keeps ${name} at ${JSON.stringify(found.get(name))} where this session has set it to ` +
        `${JSON.stringify(expected[name])}. Look for a proxy or a rule of the server that changes it`,
    );
  refuseUnsupported(needs, found);
  return { packetBytes: Number(found.get("max_allowed_packet")) };
}

/** @returns the status flags of the session */
async function set(connection: PoolConnection, needs: SessionNeeds, statement: string): Promise<number> {
  try {
    return ((await runStatement(connection, statement)) as unknown as ResultSetHeader).serverStatus;
  } catch (error) {
    const { code, fatal, message } = error as { code?: string; fatal?: boolean; message: string };
    if (fatal || code === "ETIMEDOUT" || code === undefined) throw error;
    throw rejected(
      needs,
      `its server does not let this user set up the session: ${message}. ` +
        "Use MySQL 8.0 or MariaDB 10.11 or later, and look at the privileges of the user",
    );
  }
}

function assignments(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `SESSION ${name} = ${/^\d+(\.\d+)?$/.test(value) ? value : `'${value}'`}`)
    .join(", ");
}

async function variables(connection: PoolConnection, names: readonly string[]): Promise<Map<string, string>> {
  const list = names.map((name) => `'${name}'`).join(", ");
  const rows = await runStatement(connection, `SHOW SESSION VARIABLES WHERE Variable_name IN (${list})`);
  const found = rows as { Variable_name: string; Value: string }[];
  return new Map(found.map((row) => [row.Variable_name.toLowerCase(), row.Value]));
}

/** The settings that the server knows and that have another value; lists compare as sets. */
function different(
  expected: Readonly<Record<string, string>>,
  found: ReadonlyMap<string, string>,
): Record<string, string> {
  const sorted = (value: string): string => value.split(",").toSorted().join(",");
  return Object.fromEntries(
    Object.entries(expected).filter(([name, value]) => {
      const actual = found.get(name);
      return actual !== undefined && sorted(actual) !== sorted(value);
    }),
  );
}

function refuseUnsupported(needs: SessionNeeds, found: ReadonlyMap<string, string>): void {
  const version = found.get("version") ?? "";
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  const isMariadb = /mariadb/i.test(version) || found.has("check_constraint_checks");
  if (isMariadb ? major < 10 || (major === 10 && minor < 11) : major < 8)
    throw rejected(needs, `its server is of version ${version}. Use MySQL 8.0 or MariaDB 10.11 or later`);

  if (found.get("log_bin") === "ON" && found.get("binlog_format") === "STATEMENT")
    throw rejected(
      needs,
      "its server has binlog_format=STATEMENT, with which it refuses to write at the isolation level READ COMMITTED. " +
        "Set its binlog_format to ROW or MIXED",
    );

  const most = Number(found.get("max_prepared_stmt_count") ?? Infinity);
  if (most < needs.statements)
    throw rejected(
      needs,
      `its server has max_prepared_stmt_count=${most}, and this process may need ${needs.statements} prepared statements. ` +
        "Raise max_prepared_stmt_count, or lower COFI_DATABASE_POOL_SIZE",
    );

  const readOnly = ["read_only", "innodb_read_only"].find((name) => isOn(found.get(name)));
  if (readOnly !== undefined)
    throw new DatabaseUnavailableError(
      `The database ${needs.description} only reads: its server has ${readOnly}=${found.get(readOnly)}, as a replica has. ` +
        "Name the primary server in COFI_DATABASE_URL or MYSQL_*, or switch it off.",
    );
}

/**
 * For the first connection: the mode of the server, which is that of other services' sessions.
 * @throws DatabaseRejectedError
 */
export async function refuseForeignMode(connection: PoolConnection, needs: SessionNeeds): Promise<void> {
  const [row] = (await runStatement(connection, "SELECT @@GLOBAL.sql_mode AS mode")) as { mode: string }[];
  const foreign = row?.mode.split(",").find((mode) => FOREIGN_MODES.has(mode));
  if (foreign !== undefined)
    throw rejected(
      needs,
      `its server has sql_mode=${foreign}, in which SQL means something else: other services would write events by other ` +
        `rules. Remove ${foreign} from the sql_mode of the server`,
    );
}

/** MariaDB 12 has more values than two. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== "OFF" && value !== "0";
}

function rejected({ description }: SessionNeeds, reason: string): DatabaseRejectedError {
  return new DatabaseRejectedError(`The database ${description} cannot be used: ${reason}.`);
}
