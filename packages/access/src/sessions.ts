/** Verbs on sessions: who is logged in with which role, and until when. The secret of a session is in the browser alone; here is its SHA-256. */
import { sql } from "kysely";
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import { toApiTime } from "@cofi/event-log/time";
import { isRole, type Role } from "./roles.js";
import { newSecret, sha256 } from "./secrets.js";

export interface Session {
  id: number;
  who: string;
  role: Role;
  /** By what the user logged in. */
  way: string;
  /** ISO 8601. */
  createdAt: string;
  seenAt: string;
  /** Whatever happens. */
  expiresAt: string;
}

export interface SessionTimes {
  /** A session that nobody uses for so many ms ends. */
  idleMs: number;
  /** Every session ends so many ms after the log-in. */
  longestMs: number;
}

/** How often the use of a session is noted, as a part of the time after which it ends unused. */
const NOTED_PARTS = 20;
/** Sessions of one question. */
const ASKED = 1_000;
/** Rows of sessions that are over are kept for so many ms; the access log keeps what happened. */
const KEPT_MS = 30 * 86_400_000;

const COLUMNS = ["id", "who", "role", "way", "createdAt", "seenAt", "expiresAt"] as const;

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Sessions {
  readonly #database: Database;
  readonly #times: SessionTimes;

  constructor(database: Database, times: SessionTimes) {
    this.#database = database;
    this.#times = times;
  }

  /** @returns the secret, which nobody else knows and which {@link find} takes */
  async begin({ who, role, way }: Pick<Session, "who" | "role" | "way">): Promise<string> {
    const { now, fromNow } = this.#database.dialect;
    const secret = newSecret();
    const values = {
      secretSha256: sha256(secret),
      who,
      role,
      way,
      createdAt: now,
      seenAt: now,
      expiresAt: fromNow(this.#times.longestMs),
    };
    await this.#query(() => this.#db.insertInto("accessSession").values(values).execute());
    await this.#query(() => this.#db.deleteFrom("accessSession").where("expiresAt", "<", fromNow(-KEPT_MS)).execute());
    return secret;
  }

  /** The session of this secret; null when there is none, or it has ended. Notes that it was used. */
  async find(secret: string): Promise<Session | null> {
    const select = this.#living().select(this.#isNoted().as("isNoted")).where("secretSha256", "=", sha256(secret));
    const row = await this.#query(() => select.executeTakeFirst());
    if (!row) return null;
    if (Number(row.isNoted) === 0) await this.#seen([row.id]);
    return toSession(row);
  }

  async #seen(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    const { now } = this.#database.dialect;
    const note = this.#db
      .updateTable("accessSession")
      .set({ seenAt: now })
      .where("id", "in", [...ids]);
    await this.#query(() => note.where("endedAt", "is", null).execute());
  }

  /** Those that have not ended, the newest first. */
  async living(limit: number): Promise<Session[]> {
    const rows = await this.#query(() => this.#living().orderBy("id", "desc").limit(limit).execute());
    return rows.flatMap((row) => toSession(row) ?? []);
  }

  /** Ends one session. @returns who had it; null when it had ended, or there was none */
  async end(id: number): Promise<string | null> {
    const session = await this.#query(() => this.#living().where("id", "=", id).executeTakeFirst());
    if (!session) return null;
    await this.#end("id", id);
    return session.who;
  }

  /** Ends all sessions of somebody. @returns how many */
  endOf(who: string): Promise<number> {
    return this.#end("who", who);
  }

  /** Ends the sessions of a way to log in, as when its secret has changed. @returns how many */
  endOfWay(way: string): Promise<number> {
    return this.#end("way", way);
  }

  /** Those of these that have not ended. Notes that they are in use. */
  async livingAmong(ids: readonly number[]): Promise<number[]> {
    const living: number[] = [];
    const unnoted: number[] = [];
    for (let start = 0; start < ids.length; start += ASKED) {
      const some = ids.slice(start, start + ASKED);
      const select = this.#living().select(this.#isNoted().as("isNoted")).where("id", "in", some);
      for (const { id, isNoted } of await this.#query(() => select.execute())) {
        living.push(id);
        if (Number(isNoted) === 0) unnoted.push(id);
      }
    }
    await this.#seen(unnoted);
    return living;
  }

  async #end(column: "id" | "who" | "way", value: number | string): Promise<number> {
    const { now } = this.#database.dialect;
    const end = this.#db.updateTable("accessSession").set({ endedAt: now }).where(column, "=", value);
    const { numUpdatedRows } = await this.#query(() => end.where("endedAt", "is", null).executeTakeFirst());
    return Number(numUpdatedRows);
  }

  /** 1: its use was noted a moment ago. */
  #isNoted() {
    const since = this.#database.dialect.fromNow(-this.#times.idleMs / NOTED_PARTS);
    return sql<number>`CASE WHEN seenAt > ${since} THEN 1 ELSE 0 END`;
  }

  #living() {
    const { now, fromNow } = this.#database.dialect;
    return this.#db
      .selectFrom("accessSession")
      .select(COLUMNS)
      .where("endedAt", "is", null)
      .where("expiresAt", ">", now)
      .where("seenAt", ">", fromNow(-this.#times.idleMs));
  }

  get #db() {
    return this.#database.kysely;
  }

  #query<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.#database, work);
  }
}

/** null for a role that this version does not know: it has no permissions. */
function toSession(row: Record<(typeof COLUMNS)[number], string | number>): Session | null {
  const { id, who, role, way, createdAt, seenAt, expiresAt } = row;
  if (!isRole(role)) return null;
  return {
    id: Number(id),
    who: String(who),
    role,
    way: String(way),
    createdAt: toApiTime(String(createdAt)),
    seenAt: toApiTime(String(seenAt)),
    expiresAt: toApiTime(String(expiresAt)),
  };
}
