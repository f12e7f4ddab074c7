/**
 * All SQL on the result tables. Each writing verb replaces what an earlier run stored, in one transaction, so that running a
 * stage again changes nothing or corrects it, and nobody sees half of it.
 */
import { sql, type Insertable, type Selectable, type Transaction } from "kysely";
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import type {
  AnswerRecord,
  CallRecord,
  ExtractedTradeRecord,
  NewAnswer,
  NewCall,
  NewExtractedTrade,
  NewTrade,
  NewTriage,
  NewVerdict,
  TradeCallRecord,
  TradeRecord,
  TranscriptRecord,
} from "./records.js";
import type { ResultTables } from "@cofi/event-log/result-tables";
import { fence, type Run } from "@cofi/event-log/runs";
import type { Tables } from "@cofi/event-log/tables";
import { toApiTime, toDatabaseTime } from "@cofi/event-log/time";

/** Rows per statement: below SQLite's 32,766 parameters and MySQL's 65,535 with the widest table. */
const CHUNK = 200;

type ResultTable = keyof ResultTables;

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}

function toDate(stored: string): Date {
  return new Date(toApiTime(stored));
}

function toFlag(stored: number | null): boolean | null {
  return stored === null ? null : stored !== 0;
}

function fromFlag(flag: boolean | null): number | null {
  return flag === null ? null : Number(flag);
}

/** What this class wrote itself; the columns are not part of the contract with other writers. */
function fromJson<T>(stored: string | null): T | null {
  return stored === null ? null : (JSON.parse(stored) as T);
}

/** The run that writes; results of an older run than the newest are refused. */
type Writer = Pick<Run, "batchId" | "run">;

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Results {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  // --- what the batch is given

  async replaceCalls(run: Writer, calls: readonly NewCall[]): Promise<void> {
    const { batchId } = run;
    const rows = calls.map((call) => ({
      batchId,
      callId: call.callId,
      fileName: call.fileName,
      startTime: toDatabaseTime(call.startTime),
      durationS: call.durationS,
      direction: call.direction,
      callerNumber: call.callerNumber,
      calleeNumber: call.calleeNumber,
      extension: call.extension,
      dealerId: call.dealerId,
      clientCode: call.clientCode,
      channels: call.channels,
      language: call.language ?? null,
      languageConfidence: call.languageConfidence ?? null,
      trimStartS: call.trimStartS ?? null,
      trimEndS: call.trimEndS ?? null,
      speechS: call.speechS ?? null,
      audioUsable: Number(call.audioUsable ?? true),
    }));
    await this.#write(run, async (db) => {
      await db.deleteFrom("callRecord").where("batchId", "=", batchId).execute();
      await insertRows(db, "callRecord", rows);
    });
  }

  /** In the order they were stored. */
  async calls(batchId: number): Promise<CallRecord[]> {
    const select = this.#database.kysely.selectFrom("callRecord").selectAll().where("batchId", "=", batchId);
    const rows = await this.#run(() => select.orderBy("id").execute());
    return rows.map(({ id: _id, batchId: _batchId, startTime, audioUsable, ...rest }) => ({
      ...rest,
      startTime: toDate(startTime),
      audioUsable: audioUsable !== 0,
    }));
  }

  /** What triage and verdicts said of the trades goes too: both have to be made again. */
  async replaceTrades(run: Writer, trades: readonly NewTrade[]): Promise<void> {
    const { batchId } = run;
    const rows = trades.map((trade) => ({
      batchId,
      tradeId: trade.tradeId,
      orderId: trade.orderId,
      orderTime: toDatabaseTime(trade.orderTime),
      tradeTime: trade.tradeTime && toDatabaseTime(trade.tradeTime),
      clientCode: trade.clientCode,
      clientPhones: JSON.stringify(trade.clientPhones),
      dealerId: trade.dealerId,
      exchange: trade.exchange,
      symbol: trade.symbol,
      instrument: trade.instrument,
      expiry: trade.expiry,
      strike: trade.strike,
      optionType: trade.optionType,
      side: trade.side,
      quantity: trade.quantity,
      lotSize: trade.lotSize,
      price: trade.price,
      orderType: trade.orderType,
      orderSource: trade.orderSource,
    }));
    await this.#write(run, async (db) => {
      await db.deleteFrom("trade").where("batchId", "=", batchId).execute();
      await db.deleteFrom("tradeCall").where("batchId", "=", batchId).execute();
      await insertRows(db, "trade", rows);
    });
  }

  /** In the order they were stored. */
  async trades(batchId: number): Promise<TradeRecord[]> {
    const select = this.#database.kysely.selectFrom("trade").selectAll().where("batchId", "=", batchId);
    const rows = await this.#run(() => select.orderBy("id").execute());
    return rows.map(({ id: _id, batchId: _batchId, ...row }) => ({
      ...row,
      orderTime: toDate(row.orderTime),
      tradeTime: row.tradeTime === null ? null : toDate(row.tradeTime),
      clientPhones: fromJson<string[]>(row.clientPhones) ?? [],
      triageSteps: fromJson<TradeRecord["triageSteps"]>(row.triageSteps),
      verdictDetail: fromJson(row.verdictDetail),
    }));
  }

  // --- what the stages find

  /** Stores the result of triage for the batch's trades; results for trades that are not stored change nothing. */
  async saveTriage(run: Writer, results: readonly NewTriage[]): Promise<void> {
    const { batchId } = run;
    const pairs = results.flatMap(({ tradeId, candidates }) =>
      candidates.map(({ rank, components, flags, selected, ...candidate }) => ({
        batchId,
        tradeId,
        callId: candidate.callId,
        ranking: rank,
        score: candidate.score,
        phoneScore: components.phone,
        clientCodeScore: components.clientCode,
        dealerScore: components.dealer,
        timeScore: components.time,
        flags: JSON.stringify(flags),
        selected: Number(selected),
        reason: candidate.reason,
      })),
    );
    await this.#write(run, async (db) => {
      const reset = { triage: null, triageReason: null, triageSteps: null };
      await db.updateTable("trade").set(reset).where("batchId", "=", batchId).execute();
      const values = results.map(({ tradeId, result, reason, steps }) => ({
        tradeId,
        set: { triage: result, triageReason: reason, triageSteps: JSON.stringify(steps) },
      }));
      await updateTrades(db, batchId, values);
      await db.deleteFrom("tradeCall").where("batchId", "=", batchId).execute();
      await insertRows(db, "tradeCall", pairs);
    });
  }

  /** The calls considered for the batch's trades, or for one of them; by trade, best first. */
  async tradeCalls(batchId: number, tradeId?: string): Promise<TradeCallRecord[]> {
    let select = this.#database.kysely.selectFrom("tradeCall").selectAll().where("batchId", "=", batchId);
    if (tradeId !== undefined) select = select.where("tradeId", "=", tradeId);
    const rows = await this.#run(() => select.orderBy("tradeId").orderBy("ranking").execute());
    return rows.map(({ id: _id, batchId: _batchId, flags, selected, ...rest }) => ({
      ...rest,
      flags: fromJson<string[]>(flags) ?? [],
      selected: selected !== 0,
    }));
  }

  async saveTranscript(run: Writer, callId: string, transcript: Omit<TranscriptRecord, "callId">): Promise<void> {
    const { batchId } = run;
    const { language, confidence, model, text } = transcript;
    const segments = JSON.stringify(transcript.segments);
    await this.#replaceOfCall("transcript", run, callId, [
      { batchId, callId, language, confidence, model, text, segments },
    ]);
  }

  async transcript(batchId: number, callId: string): Promise<TranscriptRecord | null> {
    const select = this.#database.kysely
      .selectFrom("transcript")
      .selectAll()
      .where("batchId", "=", batchId)
      .where("callId", "=", callId);
    const row = await this.#run(() => select.executeTakeFirst());
    if (!row) return null;
    const { id: _id, batchId: _batchId, segments, ...rest } = row;
    return { ...rest, segments: fromJson<TranscriptRecord["segments"]>(segments) ?? [] };
  }

  /** Stores the trades spoken of in a call, in their order, with the client as named there. */
  async saveExtraction(
    run: Writer,
    callId: string,
    trades: readonly NewExtractedTrade[],
    client: { name: string | null; code: string | null } = { name: null, code: null },
  ): Promise<void> {
    const { batchId } = run;
    const rows = trades.map((trade, ordinal) => ({
      batchId,
      callId,
      ordinal,
      action: trade.action,
      side: trade.side,
      symbol: trade.symbol,
      symbolSpoken: trade.symbolSpoken,
      instrument: trade.instrument,
      quantity: trade.quantity,
      unit: trade.unit,
      priceType: trade.priceType,
      price: trade.price,
      triggerPrice: trade.triggerPrice,
      strike: trade.strike,
      optionType: trade.optionType,
      expiry: trade.expiry,
      readBack: fromFlag(trade.readBack),
      clientConfirmed: fromFlag(trade.clientConfirmed),
      confidence: trade.confidence,
      clientName: client.name,
      clientCode: client.code,
      evidence: JSON.stringify(trade.evidence),
    }));
    await this.#replaceOfCall("extractedTrade", run, callId, rows);
  }

  /** By call, then in the order spoken. */
  async extractedTrades(batchId: number, callId?: string): Promise<ExtractedTradeRecord[]> {
    let select = this.#database.kysely.selectFrom("extractedTrade").selectAll().where("batchId", "=", batchId);
    if (callId !== undefined) select = select.where("callId", "=", callId);
    const rows = await this.#run(() => select.orderBy("callId").orderBy("ordinal").execute());
    return rows.map(({ id: _id, batchId: _batchId, ...row }) => ({
      ...row,
      readBack: toFlag(row.readBack),
      clientConfirmed: toFlag(row.clientConfirmed),
      evidence: fromJson<ExtractedTradeRecord["evidence"]>(row.evidence) ?? [],
    }));
  }

  async saveAnswers(run: Writer, callId: string, answers: readonly NewAnswer[]): Promise<void> {
    const { batchId } = run;
    const rows = answers.map(({ questionId, answer, confidence, evidence, rationale }) => ({
      batchId,
      callId,
      questionId,
      answer,
      confidence,
      evidence: JSON.stringify(evidence),
      rationale,
    }));
    await this.#replaceOfCall("auditAnswer", run, callId, rows);
  }

  /** By call, then in the order answered. */
  async answers(batchId: number, callId?: string): Promise<AnswerRecord[]> {
    let select = this.#database.kysely.selectFrom("auditAnswer").selectAll().where("batchId", "=", batchId);
    if (callId !== undefined) select = select.where("callId", "=", callId);
    const rows = await this.#run(() => select.orderBy("callId").orderBy("id").execute());
    return rows.map(({ id: _id, batchId: _batchId, evidence, ...rest }) => ({
      ...rest,
      evidence: fromJson<AnswerRecord["evidence"]>(evidence) ?? [],
    }));
  }

  /** Stores the verdicts of the batch; verdicts on trades that are not stored change nothing. */
  async saveVerdicts(run: Writer, verdicts: readonly NewVerdict[]): Promise<void> {
    const { batchId } = run;
    await this.#write(run, async (db) => {
      const reset = { verdict: null, verdictCallId: null, verdictReason: null, verdictDetail: null };
      await db.updateTable("trade").set(reset).where("batchId", "=", batchId).execute();
      const values = verdicts.map(({ tradeId, verdict, callId, reason, detail }) => ({
        tradeId,
        set: {
          verdict,
          verdictCallId: callId,
          verdictReason: reason,
          verdictDetail: JSON.stringify(detail ?? null),
        },
      }));
      await updateTrades(db, batchId, values);
    });
  }

  /** How many trades got each verdict, most first; trades without one are not counted. */
  async verdictCounts(batchId: number): Promise<Map<string, number>> {
    const rows = await this.#run(() =>
      this.#database.kysely
        .selectFrom("trade")
        .select(({ fn }) => ["verdict", fn.countAll<number | string>().as("count")])
        .where("batchId", "=", batchId)
        .where("verdict", "is not", null)
        .groupBy("verdict")
        .execute(),
    );
    const counts = rows.map(({ verdict, count }): [string, number] => [verdict ?? "", Number(count)]);
    return new Map(counts.toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
  }

  async #replaceOfCall<T extends "transcript" | "extractedTrade" | "auditAnswer">(
    table: T,
    run: Writer,
    callId: string,
    rows: readonly Insertable<ResultTables[T]>[],
  ): Promise<void> {
    await this.#write(run, async (db) => {
      await sql`DELETE FROM ${sql.table(table)} WHERE batchId = ${run.batchId} AND callId = ${callId}`.execute(db);
      await insertRows(db, table, rows);
    });
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.#database, work);
  }

  /** @throws RunSupersededError when a newer run of the batch has begun */
  #write(run: Writer, work: (db: Transaction<Tables>) => Promise<void>): Promise<void> {
    return this.#run(() =>
      this.#database.transaction(async (db) => {
        await fence(this.#database, db, run);
        await work(db);
      }),
    );
  }
}

async function insertRows<T extends ResultTable>(
  db: Transaction<Tables>,
  table: T,
  rows: readonly Insertable<ResultTables[T]>[],
): Promise<void> {
  for (const chunk of chunks(rows)) {
    const names = Object.keys(chunk[0] ?? {});
    const tuples = chunk.map((row) => sql`(${sql.join(names.map((name) => row[name as keyof typeof row]))})`);
    await sql`INSERT INTO ${sql.table(table)} (${sql.join(names.map((name) => sql.ref(name)))}) VALUES ${sql.join(tuples)}`.execute(
      db,
    );
  }
}

type TradeColumn = Exclude<keyof Selectable<ResultTables["trade"]>, "id" | "batchId" | "tradeId">;

/** One statement per chunk instead of one per trade: a server is a round trip away. */
async function updateTrades(
  db: Transaction<Tables>,
  batchId: number,
  updates: readonly { tradeId: string; set: Partial<Record<TradeColumn, string | null>> }[],
): Promise<void> {
  for (const chunk of chunks(updates)) {
    const columns = Object.keys(chunk[0]?.set ?? {}) as TradeColumn[];
    const assignments = columns.map((column) => {
      const cases = chunk.map(({ tradeId, set }) => sql`WHEN ${tradeId} THEN ${set[column] ?? null}`);
      return sql`${sql.ref(column)} = CASE tradeId ${sql.join(cases, sql` `)} END`;
    });
    const ids = chunk.map(({ tradeId }) => tradeId);
    await sql`UPDATE trade SET ${sql.join(assignments)} WHERE batchId = ${batchId} AND tradeId IN (${sql.join(ids)})`.execute(
      db,
    );
  }
}
