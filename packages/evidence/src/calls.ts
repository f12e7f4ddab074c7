/** The calls of a batch, as calls.csv and the engines give them. */
import { createHash } from "node:crypto";
import type { Insertable, Selectable } from "kysely";
import type { ResultTables } from "@cofi/event-log/result-tables";
import { toDatabaseTime } from "@cofi/event-log/time";
import type { CallRecord, NewCall } from "./records.js";
import { chunks, deleteOfCalls, HEARD, insertRows, ResultStore, storedTime, type Writer } from "./result-store.js";

type CallRow = Insertable<ResultTables["callRecord"]>;

/** Rows that are made, or hashed, at once. */
const PART = 1_000;

export class CallResults extends ResultStore {
  /**
   * Where all of them are stored already, as on a run that continues a batch, nothing is written. What was heard does not stay
   * under a call that gets another file, or goes. `moving` is awaited before, with the files that get another call than they
   * had, or get one again: whoever stores what was heard in them once more has to remember it from then on.
   */
  async replaceCalls(
    run: Writer,
    calls: readonly NewCall[],
    moving: (fileNames: readonly string[]) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const { batchId } = run;
    const callsSha256 = sha256Of(calls);
    const batch = this.database.kysely.selectFrom("batchStatus").select("callsSha256").where("id", "=", batchId);
    const known = (await this.query(() => batch.executeTakeFirst()))?.callsSha256 ?? null;
    if (known === callsSha256) return;
    const moved = known === null ? { fileNames: [], callIds: [] } : await this.#moved(batchId, calls);
    await moving(moved.fileNames);
    await this.write(run, async (db) => {
      for (const table of HEARD) await deleteOfCalls(db, table, batchId, moved.callIds);
      await db.deleteFrom("callRecord").where("batchId", "=", batchId).execute();
      for (let start = 0; start < calls.length; start += PART) {
        const rows = calls.slice(start, start + PART).map((call) => toRow(batchId, call));
        await insertRows(db, "callRecord", rows);
      }
      await db.updateTable("batchStatus").set({ callsSha256 }).where("id", "=", batchId).execute();
    });
  }

  /** The files that get another call than is stored of them, and the ids of the calls that lose their file. */
  async #moved(batchId: number, calls: readonly NewCall[]): Promise<{ fileNames: string[]; callIds: string[] }> {
    const select = this.database.kysely.selectFrom("callRecord").select(["callId", "fileName"]);
    const rows = await this.query(() => select.where("batchId", "=", batchId).execute());
    const stored = new Map(rows.map(({ callId, fileName }) => [callId, fileName]));
    const wanted = new Map(calls.map(({ callId, fileName }) => [callId, fileName]));
    return {
      fileNames: calls.flatMap(({ callId, fileName }) => (stored.get(callId) === fileName ? [] : [fileName])),
      callIds: rows.flatMap(({ callId, fileName }) => (wanted.get(callId) === fileName ? [] : [callId])),
    };
  }

  /** In the order they were stored; only that of this id. */
  async calls(batchId: number, callId?: string): Promise<CallRecord[]> {
    let select = this.database.kysely.selectFrom("callRecord").selectAll().where("batchId", "=", batchId);
    if (callId !== undefined) select = select.where("callId", "=", callId);
    const rows = await this.query(() => select.orderBy("id").execute());
    return rows.map(callOf);
  }

  /** Those of these ids that the batch has. */
  async callsOf(batchId: number, callIds: readonly string[]): Promise<CallRecord[]> {
    const calls: CallRecord[] = [];
    for (const ids of chunks(callIds)) {
      const select = this.database.kysely.selectFrom("callRecord").selectAll().where("batchId", "=", batchId);
      calls.push(...(await this.query(() => select.where("callId", "in", ids).execute())).map(callOf));
    }
    return calls;
  }
}

function callOf(row: Selectable<ResultTables["callRecord"]>): CallRecord {
  const { id: _id, batchId: _batchId, startTime, audioUsable, ...rest } = row;
  return { ...rest, startTime: storedTime(startTime), audioUsable: audioUsable !== 0 };
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
