/** The calls of a batch, as calls.csv and the engines give them. */
import { createHash } from "node:crypto";
import type { Insertable } from "kysely";
import type { ResultTables } from "@cofi/event-log/result-tables";
import { toDatabaseTime } from "@cofi/event-log/time";
import type { CallRecord, NewCall } from "./records.js";
import { insertRows, ResultStore, storedTime, type Writer } from "./result-store.js";

type CallRow = Insertable<ResultTables["callRecord"]>;

/** Rows that are made, or hashed, at once. */
const PART = 1_000;

export class CallResults extends ResultStore {
  /** Where all of them are stored already, as on a run that continues a batch, nothing is written. */
  async replaceCalls(run: Writer, calls: readonly NewCall[]): Promise<void> {
    const { batchId } = run;
    const callsSha256 = sha256Of(calls);
    const batch = this.database.kysely.selectFrom("batchStatus").select("callsSha256").where("id", "=", batchId);
    if ((await this.query(() => batch.executeTakeFirst()))?.callsSha256 === callsSha256) return;
    await this.write(run, async (db) => {
      await db.deleteFrom("callRecord").where("batchId", "=", batchId).execute();
      for (let start = 0; start < calls.length; start += PART) {
        const rows = calls.slice(start, start + PART).map((call) => toRow(batchId, call));
        await insertRows(db, "callRecord", rows);
      }
      await db.updateTable("batchStatus").set({ callsSha256 }).where("id", "=", batchId).execute();
    });
  }

  /** In the order they were stored. */
  async calls(batchId: number): Promise<CallRecord[]> {
    const select = this.database.kysely.selectFrom("callRecord").selectAll().where("batchId", "=", batchId);
    const rows = await this.query(() => select.orderBy("id").execute());
    return rows.map(({ id: _id, batchId: _batchId, startTime, audioUsable, ...rest }) => ({
      ...rest,
      startTime: storedTime(startTime),
      audioUsable: audioUsable !== 0,
    }));
  }
}

function toRow(batchId: number, call: NewCall): CallRow {
  return {
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
  };
}

function sha256Of(calls: readonly NewCall[]): string {
  const hash = createHash("sha256");
  for (let start = 0; start < calls.length; start += PART)
    hash.update(
      calls
        .slice(start, start + PART)
        .map((call) => JSON.stringify(call))
        .join(""),
    );
  return hash.digest("hex");
}
