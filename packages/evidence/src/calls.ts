/** The calls of a batch, as calls.csv and the engines give them. */
import type { CallRecord, NewCall } from "./records.js";
import { insertRows, ResultStore, storedTime, type Writer } from "./result-store.js";
import { toDatabaseTime } from "@cofi/event-log/time";

export class CallResults extends ResultStore {
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
    await this.write(run, async (db) => {
      await db.deleteFrom("callRecord").where("batchId", "=", batchId).execute();
      await insertRows(db, "callRecord", rows);
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
