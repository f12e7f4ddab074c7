/** All verbs on batches and their events; callers see no SQL. Results are the shapes of `events.ts`. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "kysely";
import { saysChanged } from "../event-metadata.js";
import type { Json } from "../events.js";
import { parseJson } from "../json.js";
import type { WorkName } from "../stages.js";
import { CLEAR } from "./lens.js";
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

/** With all that the event says of it. */
export interface RecordedWhole extends Recorded {
  /** Characters of the response's text. */
  length: number;
  metadata: Json;
}

/** A file that a stage completed, with the event that says so. */
export interface CompletedFile {
  fileName: string;
  eventId: number;
  /** It was logged by a run of the batch; nobody has checked the answers of other writers. */
  isOfRun: boolean;
}

export interface Page<File> {
  files: File[];
  /** The `after` of the next page; null on the last. */
  next: string | null;
}

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Store extends LogStore {
  /**
   * The checkpoint: each file that this stage completed, with the id of the event that says so. A file whose latest word is an
   * error, and a response that was cut, do not count. Whether a response is JSON shows when it is read ({@link answers}).
   */
  async completedFiles(batchId: number, stage: string): Promise<Map<string, number>> {
    const completed = new Map<string, number>();
    for (let after: string | null = null; ;) {
      const page = await this.completedPage(batchId, stage, after);
      for (const { fileName, eventId } of page.files) completed.set(fileName, eventId);
      after = page.next;
      if (after === null) return completed;
      await nextTurn();
    }
  }

  /** As {@link completedFiles}, the next files by name after this one. */
  async completedPage(
    batchId: number,
    stage: string,
    after: string | null,
    limit = PAGE,
  ): Promise<Page<CompletedFile>> {
    const current = isCurrent(await this.runStarts(batchId));
    const latest = sql`${this.#latest(batchId, stage, current, { after, limit })}`;
    const lists = await this.query(() => this.database.lists(["fileName", "id", "isOfRun", "answer"], latest));
    const rows = lists.map(([fileName, id, isOfRun, answer]) => ({ fileName, id, isOfRun, answer }) as LatestRow);
    return toPage(rows, limit, ({ fileName, id, isOfRun }) => ({ fileName, eventId: id, isOfRun: isOfRun === 1 }));
  }

  /** As {@link completedPage}, `limit` files of those with a response that is JSON, with it. */
  async answersPage(
    batchId: number,
    stage: string,
    after: string | null,
    limit: number,
  ): Promise<Page<CompletedFile & RecordedWhole>> {
    this.#assertClear();
    const current = isCurrent(await this.runStarts(batchId));
    const select = this.#latest(batchId, stage, current, { after, limit }).select(["log.response", "log.metadata"]);
    const rows = await this.query(() => select.execute());
    return toPage(rows, limit, (row) => {
      const recorded = toRecorded(row);
      return recorded && { fileName: row.fileName, isOfRun: row.isOfRun === 1, ...recorded };
    });
  }

  /** Of these files, those that this stage completed: their responses, each with the id of its event. JSON only. */
  async answers(batchId: number, stage: string, fileNames: readonly string[]): Promise<Map<string, Recorded>> {
    const answers = await this.wholeAnswers(batchId, stage, fileNames);
    return new Map([...answers].map(([name, { eventId, response }]) => [name, { eventId, response }]));
  }

  /** As {@link answers}, with all that the event says of them. */
  async wholeAnswers(
    batchId: number,
    stage: string,
    fileNames: readonly string[],
  ): Promise<Map<string, RecordedWhole>> {
    this.#assertClear();
    if (fileNames.length === 0) return new Map();
    const current = isCurrent(await this.runStarts(batchId));
    const select = this.#latest(batchId, stage, current, { fileNames }).select(["log.response", "log.metadata"]);
    const answers = new Map<string, RecordedWhole>();
    for (const row of await this.query(() => select.execute())) {
      const recorded = row.answer === "whole" ? toRecorded(row) : null;
      if (recorded) answers.set(row.fileName, recorded);
    }
    return answers;
  }

  /** Of these files, those that this stage completed: the ids of the events. */
  async answerIds(batchId: number, stage: string, fileNames: readonly string[]): Promise<Map<string, number>> {
    if (fileNames.length === 0) return new Map();
    const files = await this.#latestOf(batchId, stage, fileNames);
    return new Map(files.flatMap(({ fileName, id, answer }) => (answer === "whole" ? [[fileName, id]] : [])));
  }

  /** Of these files, those whose answer the log holds cut: the ids of the events. */
  async cutAnswers(batchId: number, stage: string, fileNames: readonly string[]): Promise<Map<string, number>> {
    if (fileNames.length === 0) return new Map();
    const files = await this.#latestOf(batchId, stage, fileNames);
    return new Map(files.flatMap(({ fileName, id, answer }) => (answer === "cut" ? [[fileName, id]] : [])));
  }

  /**
   * Files that are not what an earlier run saw, each with the id of the latest event of this stage that says so. Answers about a
   * recording are about another one when they are before that of file_distribution.
   */
  async changes(batchId: number, stage: WorkName = "file_distribution"): Promise<Map<string, number>> {
    const current = isCurrent(await this.runStarts(batchId));
    const said = sql<{ id: number }>`(SELECT id FROM ${this.database.dialect.logBy("batchExecutionLog_state")}
      WHERE batchId = ${batchId} AND stage = ${stage} AND eventType = 'info'
      AND fileName IS NOT NULL AND ${current})`;
    const select = this.db
      .selectFrom(said.as("said"))
      .innerJoin("batchExecutionLog as log", "log.id", "said.id")
      .select(["log.fileName", "log.id", "log.metadata"])
      .$narrowType<{ fileName: string }>();
    const changes = new Map<string, number>();
    for (const { fileName, id, metadata } of await this.query(() => select.execute()))
      if (saysChanged(parseJson(metadata) ?? null)) changes.set(fileName, Math.max(id, changes.get(fileName) ?? 0));
    return changes;
  }

  /** Answers are contents as they were stored, which a store that hides contents does not hand over. */
  #assertClear(): void {
    if (this.lens !== CLEAR) throw new Error("Answers were asked of a store that does not show contents.");
  }

  async #latestOf(batchId: number, stage: string, fileNames: readonly string[]) {
    const current = isCurrent(await this.runStarts(batchId));
    return this.query(() => this.#latest(batchId, stage, current, { fileNames }).execute());
  }

  /**
   * The latest word on each file, and whether it is a successful answer. In no order: servers sort with the rows in memory, and
   * rows may be of megabytes.
   */
  #latest(
    batchId: number,
    stage: string,
    current: ReturnType<typeof isCurrent>,
    { after, limit, fileNames }: { after?: string | null; limit?: number; fileNames?: readonly string[] },
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
    if (limit !== undefined) latest = latest.limit(limit);
    if (after !== null && after !== undefined) latest = latest.where("fileName", ">", after);
    const { isNull } = this.database.dialect;
    return this.db
      .selectFrom("batchExecutionLog as log")
      .innerJoin(latest.as("latest"), "latest.id", "log.id")
      .select(["log.fileName", "log.id"])
      .$narrowType<{ fileName: string }>()
      .select([
        sql<number>`CASE WHEN ${isNull("log.run")} THEN 0 ELSE 1 END`.as("isOfRun"),
        sql<"whole" | "cut" | null>`CASE WHEN log.eventType = 'file_complete'
          AND coalesce(log.status, 'success') = 'success' AND NOT ${isNull("log.response")}
          THEN CASE WHEN ${isNull("log.responseCut")} THEN 'whole' ELSE 'cut' END END`.as("answer"),
      ]);
  }
}

interface LatestRow {
  fileName: string;
  id: number;
  isOfRun: number;
  answer: "whole" | "cut" | null;
}

/** Those of the rows that are whole, by name; in all of them the greatest name is where the next page begins. */
function toPage<Row extends Pick<LatestRow, "fileName" | "answer">, File>(
  rows: readonly Row[],
  limit: number,
  toFile: (row: Row) => File | null,
): Page<File> {
  const sorted = rows.toSorted((a, b) => compareNames(a.fileName, b.fileName));
  const files: File[] = [];
  for (const row of sorted) {
    const file = row.answer === "whole" ? toFile(row) : null;
    if (file !== null) files.push(file);
  }
  return { files, next: rows.length < limit ? null : (sorted.at(-1)?.fileName ?? null) };
}

/** As both databases do, by the bytes of UTF-8: code units are in their order, except for characters that take two. */
function compareNames(a: string, b: string): number {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : Number(a > b);
}

const SURROGATE = /[\ud800-\udfff]/;

/** null when the response is no JSON. */
function toRecorded(row: { id: number; response: string | null; metadata: string | null }): RecordedWhole | null {
  const response = parseJson(row.response);
  if (row.response === null || response === undefined) return null;
  const metadata = parseJson(row.metadata) ?? null;
  return { eventId: row.id, response, length: row.response.length, metadata };
}
