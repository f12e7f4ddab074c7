/** What the errors of both drivers mean: try again later, or never. */
import { sqliteErrorCode } from "./sqlite.js";

/** The database cannot be reached or refuses work for now; the same call may succeed later. */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
}

/** It is there, and another process has been writing to the embedded database for long: the call has had no effect. */
export class DatabaseBusyError extends DatabaseUnavailableError {}

/** The database cannot be used as it is: a wrong login, no database, a server whose settings are not supported. Says what to do. */
export class DatabaseRejectedError extends Error {
  override readonly name = "DatabaseRejectedError";
}

/** What a server's error says, without the statement's values: neither the message nor a property holds one. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  /** As the driver names it: `ER_DUP_ENTRY`, `ECONNRESET`. */
  readonly code: string;
  readonly errno: number | undefined;
  readonly sqlState: string | undefined;
  /** The connection is lost. */
  readonly fatal: boolean;
  /** Verb and table: `INSERT batchExecutionLog`. */
  readonly statement: string | null;

  constructor(message: string, facts: Pick<DatabaseError, "code" | "errno" | "sqlState" | "fatal" | "statement">) {
    super(message);
    this.code = facts.code;
    this.errno = facts.errno;
    this.sqlState = facts.sqlState;
    this.fatal = facts.fatal;
    this.statement = facts.statement;
  }
}

const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "ENOENT",
  "PROTOCOL_CONNECTION_LOST",
  "PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR",
  "PROTOCOL_ENQUEUE_AFTER_QUIT",
  "PROTOCOL_ENQUEUE_AFTER_DESTROY",
  "POOL_CLOSED",
  "ER_CON_COUNT_ERROR",
  "ER_TOO_MANY_USER_CONNECTIONS",
  "ER_USER_LIMIT_REACHED",
  "ER_MAX_PREPARED_STMT_COUNT_REACHED",
  "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION",
  "ER_READ_ONLY_MODE",
  "ER_SERVER_SHUTDOWN",
  "ER_NORMAL_SHUTDOWN",
  "ER_SHUTDOWN_COMPLETE",
  "ER_CONNECTION_KILLED",
  "ER_LOCK_WAIT_TIMEOUT",
  "ER_LOCK_DEADLOCK",
  "ER_DISK_FULL",
  "ER_RECORD_FILE_FULL",
  "ER_OPTION_PREVENTS_STATEMENT",
  "ER_QUERY_INTERRUPTED",
  "ER_STATEMENT_TIMEOUT",
  "ER_QUERY_TIMEOUT",
  "ER_CLIENT_INTERACTION_TIMEOUT",
  "ER_NET_READ_ERROR",
  "ER_NET_READ_INTERRUPTED",
  "ER_NET_ERROR_ON_WRITE",
  "ER_NET_WRITE_INTERRUPTED",
  "ER_NEED_REPREPARE",
  "ER_OUTOFMEMORY",
  "ER_OUT_OF_RESOURCES",
  "ER_CANT_CREATE_THREAD",
  "ER_SERVER_OFFLINE_MODE",
  // Clusters: a node that is not ready (Galera), and a commit that another node was faster than (group replication).
  "ER_UNKNOWN_COM_ERROR",
  "ER_TRANSACTION_ROLLBACK_DURING_COMMIT",
]);
/** SQLITE_BUSY, LOCKED, NOMEM, IOERR, FULL, CANTOPEN. */
const UNAVAILABLE_SQLITE: ReadonlySet<number> = new Set([5, 6, 7, 10, 13, 14]);

/** True when the same statement may succeed later: connection lost, locks, server going down, disk full. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailableError) return true;
  const sqlite = sqliteErrorCode(error);
  if (sqlite !== null) return UNAVAILABLE_SQLITE.has(sqlite);
  const { code, fatal } = (error ?? {}) as { code?: unknown; fatal?: unknown };
  return (typeof code === "string" && UNAVAILABLE_CODES.has(code)) || fatal === true;
}

/** The server's answers to a login that no waiting makes right. */
const REJECTIONS: ReadonlySet<string> = new Set([
  "ER_ACCESS_DENIED_ERROR",
  "ER_ACCESS_DENIED_NO_PASSWORD_ERROR",
  "ER_ACCOUNT_HAS_BEEN_LOCKED",
  "ER_BAD_DB_ERROR",
  "ER_DBACCESS_DENIED_ERROR",
  "ER_HOST_NOT_PRIVILEGED",
  "ER_MUST_CHANGE_PASSWORD_LOGIN",
  "ER_NOT_SUPPORTED_AUTH_MODE",
]);

/** True when the server does not let this user in, or has no such database. */
export function isRejection(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && REJECTIONS.has(code);
}

const DENIALS: ReadonlySet<string> = new Set([
  "ER_TABLEACCESS_DENIED_ERROR",
  "ER_COLUMNACCESS_DENIED_ERROR",
  "ER_SPECIFIC_ACCESS_DENIED_ERROR",
]);

/** True when the user lacks a privilege for the statement. */
export function isDenied(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && DENIALS.has(code);
}

/** MySQL errors that the same row will meet again: it does not fit, or its batch does not exist. */
const DATA_ERRORS: ReadonlySet<string> = new Set([
  "ER_DATA_TOO_LONG",
  "ER_TRUNCATED_WRONG_VALUE",
  "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD",
  "ER_WRONG_VALUE",
  "ER_WARN_DATA_OUT_OF_RANGE",
  "WARN_DATA_TRUNCATED",
  "ER_BAD_NULL_ERROR",
  "ER_INVALID_JSON_TEXT",
  "ER_CONSTRAINT_FAILED",
  "ER_CHECK_CONSTRAINT_VIOLATED",
  "ER_NO_REFERENCED_ROW",
  "ER_NO_REFERENCED_ROW_2",
  "ER_NET_PACKET_TOO_LARGE",
  "ER_INVALID_CHARACTER_STRING",
  "ER_JSON_DOCUMENT_TOO_DEEP",
]);
/** SQLSTATE classes of the standard: data exception, integrity constraint violation. */
const DATA_STATES = /^2[23]/;
/** SQLITE_TOOBIG, CONSTRAINT, MISMATCH. */
const DATA_ERRORS_SQLITE: ReadonlySet<number> = new Set([18, 19, 20]);

/** True when the row is to blame and not the database: sending it again would fail again. */
export function isDataError(error: unknown): boolean {
  const sqlite = sqliteErrorCode(error);
  if (sqlite !== null) return DATA_ERRORS_SQLITE.has(sqlite);
  const { code, sqlState } = (error ?? {}) as { code?: unknown; sqlState?: unknown };
  return (typeof code === "string" && DATA_ERRORS.has(code)) || DATA_STATES.test(String(sqlState));
}

/** SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE: extended codes. */
const DUPLICATES_SQLITE: ReadonlySet<unknown> = new Set([1_555, 2_067]);

/** True when a row was refused because another one has the same key. */
export function isDuplicate(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  return code === "ER_DUP_ENTRY" || DUPLICATES_SQLITE.has(errcode);
}
