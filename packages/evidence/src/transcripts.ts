/** What was said in the calls of a batch: transcripts, the trades spoken of, and the answers to the audit questions. */
import type { Insertable } from "kysely";
import type { ResultTables } from "@cofi/event-log/result-tables";
import type { AnswerRecord, ExtractedTradeRecord, NewAnswer, NewExtractedTrade, TranscriptRecord } from "./records.js";
import { deleteOfCalls, insertRows, type HEARD, ordered, storedJson, type Writer } from "./result-store.js";
import { TradeResults } from "./trades.js";

type Heard = (typeof HEARD)[number];

export class TranscriptResults extends TradeResults {
  async saveTranscript(run: Writer, callId: string, transcript: Omit<TranscriptRecord, "callId">): Promise<void> {
    const { batchId } = run;
    const { language, confidence, model, text } = transcript;
    const segments = JSON.stringify(transcript.segments);
    await this.#replaceOfCall("transcript", run, callId, [
      { batchId, callId, language, confidence, model, text, segments },
    ]);
  }

  async transcript(batchId: number, callId: string): Promise<TranscriptRecord | null> {
    const select = this.database.kysely
      .selectFrom("transcript")
      .selectAll()
      .where("batchId", "=", batchId)
      .where("callId", "=", callId);
    const row = await this.query(() => select.executeTakeFirst());
    if (!row) return null;
    const { id: _id, batchId: _batchId, segments, ...rest } = row;
    return { ...rest, segments: storedJson<TranscriptRecord["segments"]>(segments) ?? [] };
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
    await this.#replaceOfCall("auditAnswer", run, callId, rows);
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

  async #replaceOfCall<T extends Heard>(
    table: T,
    run: Writer,
    callId: string,
    rows: readonly Insertable<ResultTables[T]>[],
  ): Promise<void> {
    await this.write(run, async (db) => {
      await deleteOfCalls(db, table, run.batchId, [callId]);
      await insertRows(db, table, rows);
    });
  }
}

function toFlag(stored: number | null): boolean | null {
  return stored === null ? null : stored !== 0;
}

function fromFlag(flag: boolean | null): number | null {
  return flag === null ? null : Number(flag);
}
