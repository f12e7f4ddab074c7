/** What was said in the calls of a batch: transcripts, the trades spoken of, and the answers to the audit questions. */
import type { Insertable } from "kysely";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { ResultTables } from "@cofi/event-log/result-tables";
import { Together } from "@cofi/event-log/together";
import type { AnswerRecord, ExtractedTradeRecord, NewAnswer, NewExtractedTrade, TranscriptRecord } from "./records.js";
import { deleteOfCalls, insertRows, type HEARD, ordered, storedJson, type Writer } from "./result-store.js";
import { wordsOfTranscript } from "./search/transcript-search.js";
import { TradeResults } from "./trades.js";

type Heard = (typeof HEARD)[number];

/** The rows of a call in one of the tables. */
type OfCall = {
  [Table in Heard]: { table: Table; run: Writer; callId: string; rows: readonly Insertable<ResultTables[Table]>[] };
}[Heard];

/** Calls whose rows are stored in one transaction, and characters of them: servers refuse packets that are too large. */
const MOST_AT_ONCE = 32;
const MOST_CHARACTERS = 1_000_000;

export class TranscriptResults extends TradeResults {
  readonly #storing = new Together<OfCall, void>({
    work: (calls) => this.#replace(calls),
    most: MOST_AT_ONCE,
    sizeOf: charactersOf,
    mostSize: MOST_CHARACTERS,
    isOfOne: (error) => !(error instanceof DatabaseUnavailableError),
  });

  async saveTranscript(run: Writer, callId: string, transcript: Omit<TranscriptRecord, "callId">): Promise<void> {
    const { batchId } = run;
    const { language, confidence, model, text } = transcript;
    const segments = JSON.stringify(transcript.segments);
    const words = wordsOfTranscript(batchId, text, transcript.segments);
    const rows = [{ batchId, callId, language, confidence, model, text, segments, words, isIndexed: 1 }];
    await this.#storing.add({ table: "transcript", run, callId, rows });
  }

  async transcript(batchId: number, callId: string): Promise<TranscriptRecord | null> {
    const select = this.database.kysely
      .selectFrom("transcript")
      .select(["callId", "language", "confidence", "model", "text", "segments"])
      .where("batchId", "=", batchId)
      .where("callId", "=", callId);
    const row = await this.query(() => select.executeTakeFirst());
    if (!row) return null;
    return { ...row, segments: storedJson<TranscriptRecord["segments"]>(row.segments) ?? [] };
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
    await this.#storing.add({ table: "extractedTrade", run, callId, rows });
  }

  /** By call, then in the order spoken. */
  async extractedTrades(batchId: number, callId?: string): Promise<ExtractedTradeRecord[]> {
    let select = this.database.kysely.selectFrom("extractedTrade").selectAll().where("batchId", "=", batchId);
    if (callId !== undefined) select = select.where("callId", "=", callId);
    const rows = await this.query(() => select.execute());
    return ordered(rows, "callId", "ordinal").map(({ id: _id, batchId: _batchId, ...row }) => ({
      ...row,
      readBack: toFlag(row.readBack),
      clientConfirmed: toFlag(row.clientConfirmed),
      evidence: storedJson<ExtractedTradeRecord["evidence"]>(row.evidence) ?? [],
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
    await this.#storing.add({ table: "auditAnswer", run, callId, rows });
  }

  /** By call, then in the order answered. */
  async answers(batchId: number, callId?: string): Promise<AnswerRecord[]> {
    let select = this.database.kysely.selectFrom("auditAnswer").selectAll().where("batchId", "=", batchId);
    if (callId !== undefined) select = select.where("callId", "=", callId);
    const rows = await this.query(() => select.execute());
    return ordered(rows, "callId", "id").map(({ id: _id, batchId: _batchId, evidence, ...rest }) => ({
      ...rest,
      evidence: storedJson<AnswerRecord["evidence"]>(evidence) ?? [],
    }));
  }

  /** Removes what was heard in these calls. */
  async removeHeard(run: Writer, what: Heard, callIds: readonly string[]): Promise<void> {
    if (callIds.length === 0) return;
    await this.write(run, (db) => deleteOfCalls(db, what, run.batchId, callIds));
  }

  /** Those of one table and run in one transaction. */
  async #replace(calls: readonly OfCall[]): Promise<undefined[]> {
    const left = new Set(calls);
    for (const { table, run } of calls) {
      const isAlike = (call: OfCall): boolean =>
        call.table === table && call.run.batchId === run.batchId && call.run.run === run.run;
      const group = [...left].filter(isAlike);
      if (group.length === 0) continue;
      for (const call of group) left.delete(call);
      await this.write(run, async (db) => {
        const callIds = group.map(({ callId }) => callId);
        await deleteOfCalls(db, table, run.batchId, callIds);
        // All of this table.
        const rows = group.flatMap((call): readonly Insertable<ResultTables[Heard]>[] => call.rows);
        await insertRows(db, table, rows);
      });
    }
    return calls.map(() => undefined);
  }
}

function charactersOf({ rows }: OfCall): number {
  let characters = 0;
  for (const row of rows)
    for (const value of Object.values(row)) characters += typeof value === "string" ? value.length : 0;
  return characters;
}

function toFlag(stored: number | null): boolean | null {
  return stored === null ? null : stored !== 0;
}

function fromFlag(flag: boolean | null): number | null {
  return flag === null ? null : Number(flag);
}
