/**
 * One statement on one connection. Values reach the server as bound parameters of prepared statements and are never
 * written into the text: no rule of escaping, and no setting of a server, can make SQL of them.
 */
import type { MysqlQueryResult } from "kysely";
import mysql, { type FieldPacket, type PoolConnection, type RowDataPacket } from "mysql2";
import { databaseError } from "./mysql-errors.js";

const { TypedParameter, Types } = mysql;

/** Lists have many lengths: a statement with more parameters is not kept, or it would push out those that come again. */
const MOST_KEPT_PARAMETERS = 64;

/**
 * Runs a statement; one without parameters (DDL, BEGIN, SET) as text, for not all of these can be prepared. Results have
 * the same types in both ways: times as text with their fractions, BIGINT as numbers, DECIMAL and JSON as text.
 * @param keep whether the prepared statement stays on the connection for the next time; not when it has many parameters
 * @throws DatabaseError
 */
export function runStatement(
  connection: PoolConnection,
  sql: string,
  parameters: readonly unknown[] = [],
  { keep = parameters.length <= MOST_KEPT_PARAMETERS } = {},
): Promise<MysqlQueryResult> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, result: unknown, fields: readonly FieldPacket[] | undefined): void => {
      if (error) {
        reject(databaseError(error, sql));
        return;
      }
      if (parameters.length > 0) completeTimes(result, fields);
      if (!keep) connection.unprepare(sql);
      resolve(result as MysqlQueryResult);
    };
    if (parameters.length === 0) connection.query(sql, done);
    else connection.execute(sql, parameters.map(bound), done);
  });
}

/** As {@link runStatement} with parameters, the rows of a SELECT as lists of values. @throws DatabaseError */
export function runLists(
  connection: PoolConnection,
  sql: string,
  parameters: readonly unknown[],
): Promise<(string | number | null)[][]> {
  return new Promise((resolve, reject) => {
    connection.execute<RowDataPacket[][]>(
      { sql, rowsAsArray: true, values: parameters.map(bound) },
      (error, result, fields) => {
        if (error) return reject(databaseError(error, sql));
        completeTimes(result, fields, (field) => fields.indexOf(field));
        return resolve(result as unknown as (string | number | null)[][]);
      },
    );
  });
}

/** The driver sends numbers as DOUBLE unless told otherwise, which MySQL refuses in LIMIT and MariaDB compares inexactly. */
function bound(value: unknown): never {
  const isInteger = typeof value === "bigint" || Number.isSafeInteger(value);
  return (isInteger ? TypedParameter.LONGLONG(value as number | bigint) : value) as never;
}

const TIMES: ReadonlySet<number | undefined> = new Set([Types.DATETIME, Types.TIMESTAMP]);
const WITHOUT_FRACTION = "YYYY-MM-DD HH:MM:SS".length;

/** Prepared statements return times without their fraction where it is zero. */
function completeTimes(
  result: unknown,
  fields: readonly FieldPacket[] | undefined,
  keyOf: (field: FieldPacket) => string | number = ({ name }) => name,
): void {
  if (!Array.isArray(result) || fields === undefined) return;
  for (const field of fields) {
    const { columnType, decimals } = field;
    const key = keyOf(field);
    if (!TIMES.has(columnType) || !(decimals > 0 && decimals <= 6)) continue;
    const fraction = `.${"0".repeat(decimals)}`;
    for (const row of result as Record<string | number, unknown>[]) {
      const time = row[key];
      if (typeof time === "string" && time.length === WITHOUT_FRACTION) row[key] = time + fraction;
    }
  }
}
