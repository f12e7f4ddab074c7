/** The runs of a batch and of its stages by SQL: what the rules ask for, without reading the other events. */
import { sql } from "kysely";
import type { Work } from "@cofi/event-log/events";
import { RunOrder, type RunStart } from "@cofi/event-log/run-order";
import { batchRunsOf, batchWorkOf, isAfterSilence, type Mark } from "./batch-runs.js";
import { beginningOf, edgeOf, type Part } from "./log-part.js";
import { StageRuns, type Beginning, type Bound, type Heard } from "./stage-runs.js";
import { NO_WORK, saidMs } from "./work-fold.js";

/** What a pass over a stage says of its starts and ends. */
export interface BoundsCount {
  starts: number;
  ends: number;
  /** Ids. */
  firstStart: number | null;
  latestBound: number | null;
}

export interface SqlStageWork {
  runs: StageRuns;
  last: Heard;
  /** Starts of writers without runs, each with the start or end before it. */
  restarts: { start: Beginning; previous: Heard | null }[];
}

/** `first`: the first event of the stage that is no info; `starts`: of the runs of the batch. @throws the driver's error */
export async function sqlStageWork(
  part: Part & { stage: string },
  starts: readonly RunStart[],
  first: Beginning,
  count: BoundsCount,
): Promise<SqlStageWork> {
  const runs = new StageRuns(first);
  const restarts: SqlStageWork["restarts"] = [];
  let previous: Heard | null = null;
  for (const bound of await boundsOf(part, first, count)) {
    if (runs.needsBefore(bound)) {
      const ofRun = runs.isNewer(bound) ? starts.find(({ run }) => run === bound.run) : undefined;
      bound.before = await edgeOf({ ...part, upToId: (ofRun?.firstId ?? bound.id) - 1 }, "desc");
    }
    if (bound.isStart && bound.run === null) restarts.push({ start: bound, previous });
    runs.add(bound);
    previous = bound;
  }
  return { runs, last: (await edgeOf(part, "desc")) ?? first, restarts };
}

/** Starts and ends, ascending. Of a stage with at most one of each the pass has told the ids; else it takes another pass. */
async function boundsOf(
  { database, batchId, stage, upToId, current }: Part & { stage: string },
  first: Beginning,
  { starts, ends, firstStart, latestBound }: BoundsCount,
): Promise<Bound[]> {
  if (starts + ends === 0) return [];
  const isPlain = ends <= 1 && (starts === 0 || (starts === 1 && firstStart === first.id));
  const ids = isPlain
    ? sql`SELECT ${firstStart ?? latestBound} AS id UNION SELECT ${latestBound}`
    : sql`SELECT id FROM ${database.dialect.logBy("batchExecutionLog_state")}
        WHERE batchId = ${batchId} AND stage = ${stage} AND id <= ${upToId} AND ${current}
          AND eventType IN ('stage_start', 'stage_complete')`;
  const { rows } = await sql<{
    id: number;
    timestamp: string;
    run: number | null;
    eventType: string;
    durationMs: number | null;
  }>`SELECT log.id, log.timestamp, log.run, log.eventType, log.durationMs
    FROM (${ids}) AS bounds JOIN batchExecutionLog AS log ON log.id = bounds.id ORDER BY log.id`.execute(
    database.kysely,
  );
  return rows.map((row) => ({
    ...beginningOf(row),
    isStart: row.eventType === "stage_start",
    saidMs: saidMs(row.durationMs),
    before: null,
  }));
}

/** Of the batch. `stages`: of each stage that has begun. @throws the driver's error */
export async function sqlBatchWork(
  part: Omit<Part, "stage">,
  starts: readonly RunStart[],
  stages: ReadonlyMap<string, SqlStageWork>,
): Promise<Work> {
  const whole: Part = { ...part, stage: null };
  const first = await edgeOf(whole, "asc");
  if (first === null) return NO_WORK;
  const last = await edgeOf(whole, "desc");
  const marks = [...(await numberedMarks(whole, starts)), ...(await restartMarks(whole, stages))];
  const runs = batchRunsOf(first, marks, new Map([...stages].map(([name, { runs: ofStage }]) => [name, ofStage.all])));
  return batchWorkOf(
    runs,
    last,
    [...stages.values()].map((stage) => stage.runs.work(stage.last)),
  );
}

async function numberedMarks(whole: Part, starts: readonly RunStart[]): Promise<Mark[]> {
  const begun = new RunOrder(starts.filter(({ firstId }) => firstId <= whole.upToId)).starts.slice(1);
  const marks: Mark[] = [];
  for (const { run, firstId } of begun) {
    const begins = await edgeOf({ ...whole, upToId: firstId }, "desc");
    const before = await edgeOf({ ...whole, upToId: firstId - 1 }, "desc");
    if (begins) marks.push({ id: firstId, at: begins.at, run, stage: null, before });
  }
  return marks;
}

async function restartMarks(whole: Part, stages: ReadonlyMap<string, SqlStageWork>): Promise<Mark[]> {
  const marks: Mark[] = [];
  for (const [stage, { runs, restarts }] of stages) {
    const again = new Set(runs.all.slice(1).map(({ id }) => id));
    for (const { start, previous } of restarts) {
      if (!again.has(start.id) || !isAfterSilence(start, previous, null)) continue;
      const before = await edgeOf({ ...whole, upToId: start.id - 1 }, "desc");
      if (isAfterSilence(start, previous, before)) marks.push({ id: start.id, at: start.at, run: null, stage, before });
    }
  }
  return marks;
}
