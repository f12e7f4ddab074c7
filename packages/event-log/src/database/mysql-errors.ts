/** From the driver's errors, which hold statements with their values, to one that holds none. */
import { DatabaseError } from "./errors.js";

/** Errors whose message names tables, columns, users and settings, and no value of a row or a statement. */
const NAMES_ONLY: ReadonlySet<string> = new Set([
  "ER_ACCESS_DENIED_ERROR",
  "ER_BAD_DB_ERROR",
  "ER_BAD_FIELD_ERROR",
  "ER_BAD_NULL_ERROR",
  "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION",
  "ER_CHECK_CONSTRAINT_VIOLATED",
  "ER_COLUMNACCESS_DENIED_ERROR",
  "ER_CONSTRAINT_FAILED",
  "ER_CON_COUNT_ERROR",
  "ER_DATA_TOO_LONG",
  "ER_DBACCESS_DENIED_ERROR",
  "ER_DISK_FULL",
  "ER_HANDSHAKE_ERROR",
  "ER_HOST_NOT_PRIVILEGED",
  "ER_INDEX_COLUMN_TOO_LONG",
  "ER_LOCK_DEADLOCK",
  "ER_LOCK_WAIT_TIMEOUT",
  "ER_MAX_PREPARED_STMT_COUNT_REACHED",
  "ER_MUST_CHANGE_PASSWORD_LOGIN",
  "ER_NET_PACKET_TOO_LARGE",
  "ER_NOT_SUPPORTED_AUTH_MODE",
  "ER_NO_DEFAULT_FOR_FIELD",
  "ER_NO_REFERENCED_ROW_2",
  "ER_NO_SUCH_TABLE",
  "ER_OPTION_PREVENTS_STATEMENT",
  "ER_PROCACCESS_DENIED_ERROR",
  "ER_QUERY_INTERRUPTED",
  "ER_READ_ONLY_MODE",
  "ER_RECORD_FILE_FULL",
  "ER_ROW_IS_REFERENCED_2",
  "ER_SERVER_SHUTDOWN",
  "ER_SPECIFIC_ACCESS_DENIED_ERROR",
  "ER_STATEMENT_TIMEOUT",
  "ER_TABLEACCESS_DENIED_ERROR",
  "ER_TABLE_EXISTS_ERROR",
  "ER_TOO_MANY_USER_CONNECTIONS",
  "ER_UNKNOWN_SYSTEM_VARIABLE",
  "ER_UNSUPPORTED_PS",
  "ER_USER_LIMIT_REACHED",
  "ER_WARN_DATA_OUT_OF_RANGE",
  "ER_WRONG_VALUE_FOR_VAR",
]);

/** What to do where the error alone does not say it. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ["ER_INDEX_COLUMN_TOO_LONG", "Set innodb_default_row_format of the server to dynamic, its default"],
  [
    "HANDSHAKE_SSL_ERROR",
    "Where its certificate is of an authority of your own, name the file with the authority's certificate in NODE_EXTRA_CA_CERTS",
  ],
  ["ER_SECURE_TRANSPORT_REQUIRED", 'Add ?ssl={"verifyIdentity":true}, percent-encoded, to COFI_DATABASE_URL'],
]);

/** The driver knows MySQL's names only; MariaDB gives some of these numbers another meaning. By number and SQLSTATE. */
const MARIADB_CODES: ReadonlyMap<string, string> = new Map([
  ["1927 70100", "ER_CONNECTION_KILLED"],
  ["1969 70100", "ER_STATEMENT_TIMEOUT"],
  ["4025 23000", "ER_CONSTRAINT_FAILED"],
]);

interface DriverError {
  message: string;
  code?: string;
  errno?: number;
  sqlState?: string;
  fatal?: boolean;
}

/**
 * The driver's error as one of ours; anything that is neither the server's nor the network's (a mistake in the code) as
 * it is. What the server says is kept only where it cannot hold a value: "Duplicate entry '…'" and its like are replaced.
 */
export function databaseError(error: unknown, sql: string | null): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseError) return error;
  const { errno, sqlState, fatal, message, ...driver } = error as DriverError;
  const code =
    MARIADB_CODES.get(`${errno} ${sqlState}`) ?? driver.code ?? (sqlState === undefined ? undefined : `ER_${errno}`);
  if (code === undefined) return error;
  const isOfServer = sqlState !== undefined || /^(ER|WARN)_/.test(code);
  // Without a statement it is the server's answer to the login.
  const isSafe = !isOfServer || fatal === true || sql === null || NAMES_ONLY.has(code);
  const statement = sql === null ? null : statementName(sql);
  const reason = isSafe ? message : `the server refused it with ${code}${errno === undefined ? "" : ` (${errno})`}`;
  const remedy = REMEDIES.get(code);
  const said = remedy === undefined ? reason : `${reason.replace(/\.$/, "")}. ${remedy}`;
  return new DatabaseError(statement !== null && isOfServer ? `${statement}: ${said}` : said, {
    code,
    errno,
    sqlState,
    fatal: fatal === true,
    statement,
  });
}

/** Verb and table of a statement: `INSERT batchExecutionLog`. */
function statementName(sql: string): string {
  const verb = /^\W*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? "statement";
  const table = /\b(?:into|update|from|table)(?:\s+if\s+(?:not\s+)?exists)?\s+`?(\w+)/i.exec(sql)?.[1];
  return table === undefined ? verb : `${verb} ${table}`;
}
