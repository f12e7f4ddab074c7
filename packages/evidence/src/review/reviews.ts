/** The rows of reviews: what people did with the cases of a batch. Only added to; the number of a row within its case is the lock of those who act at once. */
import { sql, type Insertable, type Kysely } from "kysely";
import { isDuplicate, reportUnavailable, type Database } from "@cofi/event-log/database";
import type { Json } from "@cofi/event-log/events";
import { parseJson } from "@cofi/event-log/json";
import type { Tables } from "@cofi/event-log/tables";
import { toApiTime } from "@cofi/event-log/time";
import { chunks } from "../result-store.js";
import { Results } from "../results.js";
import type { LoggedVerdict } from "../verdict-records.js";
import { foldCase, type Case, type CaseEvent, type ReviewRow, type VerdictNow } from "./case.js";
import { drawnOf } from "./draw.js";

/** The verdict that nobody has to look at, unless it is drawn. */
export const CONFIRMED = "CONFIRMED";
/** Draws that are made at once wait for each other; far more than people who draw. */
const MOST_TRIES = 20;

export type NewReviewRow = Pick<ReviewRow, "what" | "who" | "role"> &
  Partial<Pick<ReviewRow, "reason" | "note" | "verdict" | "verdictEventId" | "data">>;

/** A trade with its case. */
export interface FoundCase {
  case: Case;
  rows: ReviewRow[];
  now: VerdictNow;
  /** The statement in force, with what it rests on; null where the log has none. */
  statement: LoggedVerdict | null;
}

export interface DrawRequest {
  seed: string;
  /** Of the trades that are CONFIRMED, more than 0 and at most 1. */
  share: number;
  who: string;
  role: string;
}

export interface Draw {
  /** Counts the draws of the batch from 1. */
  number: number;
  seed: string;
  share: number;
  /** Trades that were CONFIRMED then. */
  population: number;
  drawn: number;
  /** Those of them that had not been drawn before; 0 when the same draw was made before. */
  added: number;
}

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Reviews {
  readonly #database: Database;
  readonly #results: Results;

  constructor(database: Database) {
    this.#database = database;
    this.#results = new Results(database);
  }

  /** null when there is no such trade; "no case" when it is CONFIRMED, or has no verdict, and was not drawn. */
  async find(batchId: number, tradeId: string): Promise<FoundCase | "no case" | null> {
    const { kysely } = this.#database;
    const trade = await this.#query(() =>
      kysely
        .selectFrom("trade")
        .select("verdict")
        .where("batchId", "=", batchId)
        .where("tradeId", "=", tradeId)
        .executeTakeFirst(),
    );
    const rows = await this.rows(batchId, tradeId);
    if (!trade && rows.length === 0) return null;
    const history = await this.#results.verdictHistory(batchId, tradeId);
    const statement = history.find(({ history: isHistory }) => !isHistory) ?? null;
    const now = statement
      ? { verdict: statement.verdict, eventId: statement.eventId, run: statement.run }
      : { verdict: trade?.verdict ?? null, eventId: null, run: null };
    if (rows.length === 0 && (now.verdict === null || now.verdict === CONFIRMED)) return "no case";
    return { case: foldCase(rows, now), rows, now, statement };
  }

  /** In the order of their numbers. */
  async rows(batchId: number, tradeId: string): Promise<ReviewRow[]> {
    const select = this.#database.kysely
      .selectFrom("review")
      .selectAll()
      .where("batchId", "=", batchId)
      .where("tradeId", "=", tradeId)
      .orderBy("number");
    const rows = await this.#query(() => select.execute());
    return rows.map(({ number, what, who, role, at, reason, note, verdict, verdictEventId, data }) => ({
      number,
      what: what as CaseEvent,
      who,
      role,
      at: toApiTime(at),
      reason,
      note,
      verdict,
      verdictEventId: verdictEventId === null ? null : Number(verdictEventId),
      data: parseJson(data) ?? null,
    }));
  }

  /**
   * Adds the row of this number to a case.
   * @returns false when somebody was faster and has added another one, or retention has removed the trade
   */
  async add(batchId: number, tradeId: string, number: number, row: NewReviewRow): Promise<boolean> {
    return this.#query(() =>
      this.#database
        .transaction(async (db) => {
          await this.#holdBatch(db, batchId);
          const trade = db.selectFrom("trade").select("id").where("batchId", "=", batchId);
          const before = db.selectFrom("review").select("id").where("batchId", "=", batchId);
          const isThere =
            (await trade.where("tradeId", "=", tradeId).executeTakeFirst()) ??
            (await before.where("tradeId", "=", tradeId).limit(1).executeTakeFirst());
          if (!isThere) return false;
          await db
            .insertInto("review")
            .values(this.#toRow(batchId, tradeId, number, row))
            .execute();
          return true;
        })
        .catch((error: unknown) => {
          if (isDuplicate(error)) return false;
          throw error;
        }),
    );
  }

  /** Whether this draw was made before: it draws nothing more. */
  async drawBefore(batchId: number, request: Pick<DrawRequest, "seed" | "share">): Promise<Draw | null> {
    return this.#query(() => sameDraw(this.#database.kysely, batchId, request));
  }

  /** Draws a share of the trades that are CONFIRMED; each of them has a case from then on. The same draw is made once. */
  async draw(batchId: number, request: DrawRequest): Promise<Draw> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#query(() => this.#database.transaction((db) => this.#drawIn(db, batchId, request)));
      } catch (error) {
        // Somebody else has drawn at the same time, or noted something on a trade that was drawn before.
        if (!isDuplicate(error) || tries === MOST_TRIES) throw error;
      }
    }
  }

  async #drawIn(db: Kysely<Tables>, batchId: number, request: DrawRequest): Promise<Draw> {
    const { seed, share, who, role } = request;
    await this.#holdBatch(db, batchId);
    // Before it is known which draws there are: one that is committed from here on has this number, and this draw begins again.
    const newest = await db
      .selectFrom("review")
      .select((eb) => eb.fn.max("number").as("number"))
      .where("batchId", "=", batchId)
      .where("tradeId", "=", "")
      .executeTakeFirst();
    const number = Number(newest?.number ?? 0) + 1;
    const before = await sameDraw(db, batchId, request);
    if (before) return before;
    const confirmed = await db
      .selectFrom("trade")
      .select("tradeId")
      .where("batchId", "=", batchId)
      .where("verdict", "=", CONFIRMED)
      .execute();
    const chosen = drawnOf(
      confirmed.map(({ tradeId }) => tradeId),
      seed,
      share,
    );
    const known = new Map<string, { last: number; isDrawn: boolean }>();
    for (const ids of chunks(chosen)) {
      const { rows } = await sql<{ tradeId: string; last: number; drawn: number }>`
        SELECT tradeId, max(number) AS ${sql.ref("last")}, max(CASE what WHEN 'drawn' THEN 1 ELSE 0 END) AS drawn FROM review
        WHERE batchId = ${batchId} AND tradeId IN (${sql.join(ids)}) GROUP BY tradeId`.execute(db);
      for (const { tradeId, last, drawn } of rows)
        known.set(tradeId, { last: Number(last), isDrawn: Number(drawn) === 1 });
    }
    const added = chosen.filter((tradeId) => known.get(tradeId)?.isDrawn !== true);
    const draw = { seed, share, population: confirmed.length, drawn: chosen.length, added: added.length };
    await db
      .insertInto("review")
      .values(this.#toRow(batchId, "", number, { what: "drawn", who, role, data: draw }))
      .execute();
    for (const ids of chunks(added))
      await db
        .insertInto("review")
        .values(
          ids.map((tradeId) => {
            const next = (known.get(tradeId)?.last ?? 0) + 1;
            return this.#toRow(batchId, tradeId, next, { what: "drawn", who, role, data: { draw: number } });
          }),
        )
        .execute();
    return { number, ...draw };
  }

  /** Until the transaction ends, retention removes nothing of the batch. */
  async #holdBatch(db: Kysely<Tables>, batchId: number): Promise<void> {
    await sql`SELECT id FROM batchStatus WHERE id = ${batchId} ${this.#database.dialect.holdingRows}`.execute(db);
  }

  #toRow(
    batchId: number,
    tradeId: string,
    number: number,
    { what, who, role, reason = null, note = null, verdict = null, verdictEventId = null, data = null }: NewReviewRow,
  ) {
    return {
      batchId,
      tradeId,
      number,
      what,
      who,
      role,
      at: this.#database.dialect.now,
      reason,
      note,
      verdict,
      verdictEventId,
      data: data === null ? null : JSON.stringify(data),
    } satisfies Record<Exclude<keyof Insertable<Tables["review"]>, "id">, unknown>;
  }

  #query<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.#database, work);
  }
}

async function sameDraw(
  db: Kysely<Tables>,
  batchId: number,
  { seed, share }: Pick<DrawRequest, "seed" | "share">,
): Promise<Draw | null> {
  const rows = await db
    .selectFrom("review")
    .select(["number", "data"])
    .where("batchId", "=", batchId)
    .where("tradeId", "=", "")
    .execute();
  const draws = rows.map(({ number, data }) => drawIn(number, parseJson(data) ?? null));
  const same = draws.find((one) => one?.seed === seed && one.share === share);
  return same ? { ...same, added: 0 } : null;
}

function drawIn(number: number, data: Json): Draw | null {
  if (data === null || typeof data !== "object" || Array.isArray(data)) return null;
  const { seed, share, population, drawn, added } = data;
  return typeof seed === "string" && typeof share === "number"
    ? { number, seed, share, population: Number(population), drawn: Number(drawn), added: Number(added) }
    : null;
}
