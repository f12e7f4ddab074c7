/**
 * Connections to MySQL on which nobody waits for ever. A network that drops packets, or a firewall that forgot a
 * connection, closes nothing: only a deadline tells. A connection that misses it is destroyed, and those that were open at
 * that time are replaced before they are used again.
 */
import type { MysqlPool, MysqlPoolConnection, MysqlQueryResult } from "kysely";
import type { Pool, PoolConnection } from "mysql2";
import { deadline } from "../deadline.js";

/** ms that ending the sessions in good order may take. */
const END_MS = 2_000;

export class MysqlConnections implements MysqlPool {
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #open = new Set<PoolConnection>();
  readonly #suspects = new WeakSet<PoolConnection>();
  readonly #packetBytes = new WeakMap<PoolConnection, number>();

  /** @param timeoutMs for one query or one {@link guard}ed piece of work, and for getting a connection */
  constructor(pool: Pool, timeoutMs: number) {
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
    pool.on("connection", (connection) => {
      this.#open.add(connection);
      connection.once("end", () => this.#open.delete(connection));
      connection.once("error", () => this.#open.delete(connection));
    });
  }

  /** A connection to be released or destroyed by the caller. */
  acquire(): Promise<PoolConnection> {
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        reject(this.#timeout());
      }, this.#timeoutMs);
      const ask = (): void =>
        this.#pool.getConnection((error, connection) => {
          if (error) {
            clearTimeout(timer);
            reject(error);
          } else if (this.#suspects.has(connection)) {
            connection.destroy();
            ask();
          } else if (late) {
            connection.release();
          } else {
            clearTimeout(timer);
            resolve(connection);
          }
        });
      ask();
    });
  }

  /** Runs `work`, which uses this connection alone. @throws an error with code ETIMEDOUT when it takes too long */
  guard<T>(connection: PoolConnection, work: () => Promise<T>): Promise<T> {
    return deadline(work(), this.#timeoutMs, () => {
      for (const other of this.#open) this.#suspects.add(other);
      connection.destroy();
      throw this.#timeout();
    });
  }

  /** The server's `max_allowed_packet` for this connection. */
  async packetBytes(connection: PoolConnection): Promise<number> {
    const known = this.#packetBytes.get(connection);
    if (known !== undefined) return known;
    const [rows] = await connection.promise().query("SELECT @@max_allowed_packet AS bytes");
    const bytes = Number((rows as { bytes: number }[])[0]?.bytes);
    this.#packetBytes.set(connection, bytes);
    return bytes;
  }

  // --- as kysely drives a pool

  getConnection(callback: (error: unknown, connection: MysqlPoolConnection) => void): void {
    void settle(this.acquire(), (error, connection) =>
      callback(error, (connection && this.#forKysely(connection)) as MysqlPoolConnection),
    );
  }

  /** Ends every session; those that do not end in time are cut. */
  end(callback: (error: unknown) => void): void {
    let ended = false;
    const done = (error: unknown): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      callback(error);
    };
    const timer = setTimeout(() => {
      for (const connection of this.#open) connection.destroy();
      done(null);
    }, END_MS);
    this.#pool.end(done);
  }

  #forKysely(connection: PoolConnection): MysqlPoolConnection {
    const query = (
      sql: string,
      parameters: unknown[],
      callback: (error: unknown, result: MysqlQueryResult) => void,
    ): void => {
      const work = (): Promise<MysqlQueryResult> =>
        new Promise((resolve, reject) => {
          connection.query(sql, parameters, (error, result) =>
            error ? reject(error) : resolve(result as MysqlQueryResult),
          );
        });
      void settle(this.guard(connection, work), (error, result) => callback(error, result ?? []));
    };
    return { query: query as MysqlPoolConnection["query"], release: () => connection.release() };
  }

  #timeout(): Error {
    const message = `the database did not answer within ${this.#timeoutMs} ms`;
    return Object.assign(new Error(message), { code: "ETIMEDOUT" });
  }
}

/** From promise to callback. What the callback throws is its own affair, as with the driver's callbacks. */
async function settle<T>(promise: Promise<T>, done: (error: unknown, value: T | undefined) => void): Promise<void> {
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome.status === "fulfilled") done(null, outcome.value);
  else done(outcome.reason, undefined);
}
