/** All verbs on batches and their events; callers see no SQL. Results are the shapes of `events.ts`. */
import { sql, type SqlBool } from "kysely";
import type { Json } from "../events.js";
import { parseJson } from "../json.js";
import { LogStore } from "./log.js";
import { isCurrent } from "./run-filter.js";

export type { BatchFilter, BatchPatch } from "./batches.js";
export type { EventFilter, EventQuery } from "./log.js";
export { RunSupersededError, type Run, type RunOutcome, type RunRecord } from "./runs.js";

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Store extends LogStore {
  /**
   * The checkpoint: each file that this stage completed, with its response. A file whose latest word is an error, and a
   * response that was cut or is no JSON, do not count.
   */
  async completedFiles(batchId: number, stage: string): Promise<Map<string, Json>> {
    const starts = await this.runStarts(batchId);
    const latest = this.db
      .selectFrom("batchExecutionLog")
      .select((eb) => eb.fn.max("id").as("id"))
      .where("batchId", "=", batchId)
      .where("stage", "=", stage)
      .where("fileName", "is not", null)
      .where("eventType", "in", ["file_start", "file_complete", "error"])
      .where(isCurrent(starts))
      .groupBy("fileName");
    const rows = await this.query(() =>
      this.db
        .selectFrom("batchExecutionLog as log")
        .innerJoin(latest.as("latest"), "latest.id", "log.id")
        .select(["log.fileName", "log.response"])
        .where("log.eventType", "=", "file_complete")
        .where("log.responseCut", "is", null)
        .where(sql<SqlBool>`coalesce(log.status, 'success') = 'success'`)
        .execute(),
    );
    const completed = new Map<string, Json>();
    for (const { fileName, response } of rows) {
      const parsed = parseJson(response);
      if (fileName !== null && parsed !== undefined) completed.set(fileName, parsed);
    }
    return completed;
  }
}
