/**
 * Connections to MySQL whose session is set before anybody uses them, and on which nobody waits for ever. A network that
 * drops packets, or a firewall that forgot a connection, closes nothing: only a deadline tells. A connection that misses it
 * is destroyed, and those that were open at that time are replaced before they are used again.
 */
import type { MysqlPool, MysqlPoolConnection, MysqlQueryResult } from "kysely";
import type { Pool, PoolConnection } from "mysql2";
import { deadline } from "../deadline.js";
import { databaseError } from "./mysql-errors.js";
import { openSession, refuseForeignMode, type Session, type SessionNeeds } from "./mysql-session.js";
import { runStatement } from "./mysql-statements.js";

/** ms that ending the sessions in good order may take. */
const END_MS = 2_000;

export class MysqlConnections implements MysqlPool {
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #silenceMs: number;
  readonly #needs: Omit<SessionNeeds, "lockWaitS" | "silenceS">;
  readonly #open = new Set<PoolConnection>();
  readonly #suspects = new WeakSet<PoolConnection>();
  #isServerKnown = false;
  readonly #sessions = new WeakMap<PoolConnection, Session>();
  /** Since when nobody uses it, by the monotonic clock. */
  readonly #unused = new Map<PoolConnection, number>();
  readonly #tidying: NodeJS.Timeout;

  /**
   * @param timeoutMs for one query or one {@link guard}ed piece of work, and for getting a connection
   * @param silenceMs after which the server may end a session that says nothing
   */
  constructor(
    pool: Pool,
    { timeoutMs, silenceMs }: { timeoutMs: number; silenceMs: number },
    needs: Omit<SessionNeeds, "lockWaitS" | "silenceS">,
  ) {
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
    this.#silenceMs = silenceMs;
    this.#needs = needs;
    this.#tidying = setInterval(() => this.#endUnused(), silenceMs / 4).unref();
    pool.on("release", (connection) => this.#unused.set(connection, performance.now()));
    pool.on("connection", (connection) => {
      this.#open.add(connection);
      const gone = (): void => {
        this.#open.delete(connection);
        this.#unused.delete(connection);
      };
      connection.once("end", gone);
      // Each time: a reply that comes after the connection was given up is an error of it, which nobody waits for.
      connection.on("error", gone);
    });
  }

  /** A connection to be released or destroyed by the caller. @throws what `openSession` throws, for a new one */
  acquire(): Promise<PoolConnection> {
    const ready = this.#ready();
    return deadline(ready, this.#timeoutMs, () => {
      void settle(ready, (_error, connection) => connection?.release());
      throw this.#timeout();
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

  /** The server's `max_allowed_packet` for this connection, which came from {@link acquire}. */
  packetBytes(connection: PoolConnection): number {
    return this.#sessions.get(connection)?.packetBytes ?? 0;
  }

  async #ready(): Promise<PoolConnection> {
    for (;;) {
      const connection = await this.#pooled();
      const since = this.#unused.get(connection);
      this.#unused.delete(connection);
      // After a pause of the whole process the server may have ended it, and its word of that is not read yet.
      const isStale = since !== undefined && performance.now() - since > this.#silenceMs;
      if (isStale || this.#suspects.has(connection)) connection.destroy();
      else if (this.#sessions.has(connection)) return connection;
      else {
        try {
          await this.guard(connection, () => this.#begin(connection));
          return connection;
        } catch (error) {
          connection.destroy();
          throw error;
        }
      }
    }
  }

  /** Before the server does, which would be an error in its log. */
  #endUnused(): void {
    for (const [connection, since] of this.#unused)
      if (performance.now() - since > this.#silenceMs / 2) connection.end();
  }

  async #begin(connection: PoolConnection): Promise<void> {
    // The server is a little more patient than its clients: a statement that nobody waits for any more ends soon after.
    const seconds = (ms: number): number => Math.ceil(ms / 1_000) + 1;
    const needs = { ...this.#needs, lockWaitS: seconds(this.#timeoutMs), silenceS: seconds(this.#silenceMs) };
    const session = await openSession(connection, needs);
    if (!this.#isServerKnown) await refuseForeignMode(connection, needs);
    this.#isServerKnown = true;
    this.#sessions.set(connection, session);
  }

  #pooled(): Promise<PoolConnection> {
    return new Promise((resolve, reject) => {
      this.#pool.getConnection((error, connection) =>
        error ? reject(databaseError(error, null) as Error) : resolve(connection),
      );
    });
  }

  // --- as kysely drives a pool

  getConnection(callback: (error: unknown, connection: MysqlPoolConnection) => void): void {
    void settle(this.acquire(), (error, connection) =>
      callback(error, (connection && this.#forKysely(connection)) as MysqlPoolConnection),
    );
  }

  /** Ends every session; those that do not end in time are cut. */
  end(callback: (error: unknown) => void): void {
    clearInterval(this.#tidying);
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
      const result = this.guard(connection, () => runStatement(connection, sql, parameters));
      void settle(result, (error, found) => callback(error, found ?? []));
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
