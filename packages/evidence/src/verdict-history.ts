/** How the verdicts of a batch came to be, read from the log: the events of the step `verdicts`. */
import type { Json } from "@cofi/event-log/events";
import { parseJson } from "@cofi/event-log/json";
import { RunOrder } from "@cofi/event-log/run-order";
import { readRunStarts } from "@cofi/event-log/runs";
import { toApiTime } from "@cofi/event-log/time";
import { chunks, ordered } from "./result-store.js";
import { TranscriptResults } from "./transcripts.js";
import { isStatement, type LoggedVerdict } from "./verdict-records.js";

const STEP = "verdicts";

/** What the log holds under one event id. */
export interface LoggedBodies {
  stage: string;
  fileName: string | null;
  /** null when there is none, or it was cut or removed. */
  payload: Json;
  response: Json;
}

export class VerdictResults extends TranscriptResults {
  /** All verdicts on a trade over the runs of its batch, newest first. */
  async verdictHistory(batchId: number, tradeId: string): Promise<LoggedVerdict[]> {
    const statements = await this.#statements(batchId, tradeId);
    return statements.toReversed();
  }

  /** The latest verdict on each trade of the batch, by trade id. Those that came too late to count are left out. */
  async verdictsInForce(batchId: number): Promise<Map<string, LoggedVerdict>> {
    const statements = await this.#statements(batchId);
    return new Map(statements.flatMap((one) => (one.history ? [] : [[one.tradeId, one]])));
  }

  /**
   * Of the recording as the latest host has it that it was put on: of the one that was processed. Lower-case hex; null where the log does not
   * hold it.
   */
  async recordingSha256(batchId: number, fileName: string): Promise<string | null> {
    const order = new RunOrder(await this.query(() => readRunStarts(this.database, batchId)));
    const select = this.database.kysely
      .selectFrom("batchExecutionLog")
      .select(["id", "run", "response"])
      .where("batchId", "=", batchId)
      .where("stage", "=", "file_distribution")
      .where("fileName", "=", fileName)
      .where("eventType", "=", "file_complete");
    for (const { id, run, response } of ordered(await this.query(() => select.execute()), "id").toReversed()) {
      if (order.isHistory(run, id)) continue;
      const answer = parseJson(response);
      const sha256 = typeof answer === "object" && answer !== null && "sha256" in answer ? answer["sha256"] : null;
      return typeof sha256 === "string" ? sha256 : null;
    }
    return null;
  }

  /** Payload and response of events, by id; without those that are not there. */
  async bodiesOf(batchId: number, eventIds: readonly number[]): Promise<Map<number, LoggedBodies>> {
    const bodies = new Map<number, LoggedBodies>();
    for (const ids of chunks(eventIds)) {
      const select = this.database.kysely
        .selectFrom("batchExecutionLog")
        .select(["id", "stage", "fileName", "payload", "response"])
        .where("batchId", "=", batchId)
        .where("id", "in", ids);
      for (const { id, stage, fileName, payload, response } of await this.query(() => select.execute()))
        bodies.set(id, {
          stage,
          fileName,
          payload: parseJson(payload) ?? null,
          response: parseJson(response) ?? null,
        });
    }
    return bodies;
  }

  /** Oldest first. */
  async #statements(batchId: number, tradeId?: string): Promise<LoggedVerdict[]> {
    const order = new RunOrder(await this.query(() => readRunStarts(this.database, batchId)));
    const judged = await this.#runsThatJudged(batchId, order);
    let select = this.database.kysely
      .selectFrom("batchExecutionLog")
      .select(["id", "eventType", "timestamp", "fileName", "response", "run"])
      .where("batchId", "=", batchId)
      .where("stage", "=", STEP)
      .where("eventType", "in", ["file_start", "file_complete"]);
    if (tradeId !== undefined) select = select.where("fileName", "=", tradeId);
    const rows = ordered(await this.query(() => select.execute()), "id");
    const requests = new Map<string, number>();
    const found = rows.flatMap(({ id, eventType, fileName, timestamp, response, run }): LoggedVerdict[] => {
      const asked = JSON.stringify([run, fileName]);
      if (eventType === "file_start") {
        requests.set(asked, id);
        return [];
      }
      const statement: unknown = parseJson(response);
      if (!isStatement(statement)) return [];
      const history = order.isHistory(run, id) ? ({ history: true } as const) : {};
      const basisEventId = requests.get(asked) ?? null;
      return [
        { ...statement, eventId: id, basisEventId, loggedAt: toApiTime(timestamp), run, confirmedBy: [], ...history },
      ];
    });
    const next = new Map<string, number>();
    for (const one of found.toReversed()) {
      if (one.history) continue;
      const until = next.get(one.tradeId) ?? Number.POSITIVE_INFINITY;
      one.confirmedBy = judged.filter((run) => run > (one.run ?? Number.POSITIVE_INFINITY) && run < until);
      next.set(one.tradeId, one.run ?? until);
    }
    return found;
  }

  /** The runs that went through the step to its end, ascending. */
  async #runsThatJudged(batchId: number, order: RunOrder): Promise<number[]> {
    const select = this.database.kysely
      .selectFrom("batchExecutionLog")
      .select(["id", "run"])
      .where("batchId", "=", batchId)
      .where("stage", "=", STEP)
      .where("eventType", "=", "stage_complete")
      .where("status", "=", "success")
      .where("run", "is not", null)
      .orderBy("run");
    const rows = await this.query(() => select.execute());
    const runs = rows.flatMap(({ id, run }) => (run === null || order.isHistory(run, id) ? [] : [run]));
    return [...new Set(runs)];
  }
}
