/** All verbs on batches and their events; callers see no SQL. Results are the shapes of `events.ts`. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "kysely";
import type { Json } from "../events.js";
import { parseJson } from "../json.js";
import { LogStore } from "./log.js";
import { isCurrent } from "./run-filter.js";

export type { BatchFilter, BatchPatch } from "./batches.js";
export type { EventFilter, EventQuery } from "./log.js";
export type { FilePlace, FilesOfBatch } from "./places.js";
export { RunSupersededError, type Run, type RunOutcome, type RunRecord } from "./runs.js";

/** Files of one question: SQLite answers within one turn, and a server's other work wants its own. */
const PAGE = 1_000;

/** A response with the event that holds it. */
export interface Recorded {
  eventId: number;
  response: Json;
}

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Store extends LogStore {
  /**
   * The checkpoint: each file that this stage completed, with the id of the event that says so. A file whose latest word is an
   * error, and a response that was cut, do not count. Whether a response is JSON shows when it is read ({@link answers}).
   */
  async completedFiles(batchId: number, stage: string): Promise<Map<string, number>> {
    const current = isCurrent(await this.runStarts(batchId));
    const completed = new Map<string, number>();
    for (let after: string | null = null; ;) {
      const files = await this.query(() => this.#latest(batchId, stage, current, { after }).execute());
      for (const { fileName, id, answer } of files) if (answer === "whole") completed.set(fileName, id);
      after = files.at(-1)?.fileName ?? null;
      if (files.length < PAGE) return completed;
      await nextTurn();
    }
  }

  /** Of these files, those that this stage completed: their responses, each with the id of its event. JSON only. */
  async answers(batchId: number, stage: string, fileNames: readonly string[]): Promise<Map<string, Recorded>> {
    const answers = new Map<string, Recorded>();
    if (fileNames.length === 0) return answers;
    const files = await this.#latestOf(batchId, stage, fileNames);
    const ids = files.flatMap(({ id, answer }) => (answer === "whole" ? [id] : []));
    if (ids.length === 0) return answers;
    const select = this.db
      .selectFrom("batchExecutionLog")
      .select(["id", "fileName", "response"])
      .where("id", "in", ids);
    for (const { id, fileName, response } of await this.query(() => select.execute())) {
      const parsed = parseJson(response);
      if (fileName !== null && parsed !== undefined) answers.set(fileName, { eventId: id, response: parsed });
    }
    return answers;
  }

  /** Of these files, those whose answer the log holds cut: the ids of the events. */
  async cutAnswers(batchId: number, stage: string, fileNames: readonly string[]): Promise<Map<string, number>> {
    if (fileNames.length === 0) return new Map();
    const files = await this.#latestOf(batchId, stage, fileNames);
    return new Map(files.flatMap(({ fileName, id, answer }) => (answer === "cut" ? [[fileName, id]] : [])));
  }

  async #latestOf(batchId: number, stage: string, fileNames: readonly string[]) {
    const current = isCurrent(await this.runStarts(batchId));
    return this.query(() => this.#latest(batchId, stage, current, { fileNames }).execute());
  }

  /** The latest word on each file, by name, and whether it is a successful answer. */
  #latest(
    batchId: number,
    stage: string,
    current: ReturnType<typeof isCurrent>,
    { after, fileNames }: { after?: string | null; fileNames?: readonly string[] },
  ) {
    let latest = this.db
      .selectFrom("batchExecutionLog")
      .select((eb) => eb.fn.max("id").as("id"))
      .where("batchId", "=", batchId)
      .where("stage", "=", stage)
      .where("fileName", "is not", null)
      .where("eventType", "in", ["file_start", "file_complete", "error"])
      .where(current)
      .groupBy("fileName")
      .orderBy("fileName");
    if (fileNames) latest = latest.where("fileName", "in", [...fileNames]);
    else latest = latest.limit(PAGE);
    if (after !== null && after !== undefined) latest = latest.where("fileName", ">", after);
    return this.db
      .selectFrom("batchExecutionLog as log")
      .innerJoin(latest.as("latest"), "latest.id", "log.id")
      .select(["log.fileName", "log.id"])
      .$narrowType<{ fileName: string }>()
      .select(
        sql<"whole" | "cut" | null>`CASE WHEN log.eventType = 'file_complete'
          AND coalesce(log.status, 'success') = 'success' AND log.response IS NOT NULL
          THEN CASE WHEN log.responseCut IS NULL THEN 'whole' ELSE 'cut' END END`.as("answer"),
      )
      .orderBy("log.fileName");
  }
}
