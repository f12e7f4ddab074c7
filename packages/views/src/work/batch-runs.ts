/**
 * The one rule of how long a batch was at work: the sum of its runs, without the pauses between them. The first run begins
 * with the first event of the batch. Another one begins
 *
 *   - with the first event of each further numbered run, or
 *   - where a writer without runs begins a stage again that the batch's run has had already, after more than a minute in
 *     which nothing was heard of the batch.
 *
 * A run ended with the last event before the next one.
 */
import type { Work } from "@cofi/event-log/events";
import { endOf, RESUMED_MS, type Beginning, type Heard, type Run } from "./stage-runs.js";

/** Where a run of the batch may begin. */
export interface Mark extends Beginning {
  /** The stage that begins here; null for the first event of a numbered run. */
  stage: string | null;
  /** The latest event of the batch before it. */
  before: Heard | null;
}

/** Whether the batch has been silent before a start. `previous`: the start or end before it in its stage. */
export function isAfterSilence(start: Heard, previous: Heard | null, before: Heard | null): boolean {
  return start.at - Math.max(previous?.at ?? -Infinity, before?.at ?? -Infinity) > RESUMED_MS;
}

/** The last one is not over. `stageRuns`: by stage. */
export function batchRunsOf(
  first: Beginning | null,
  marks: readonly Mark[],
  stageRuns: ReadonlyMap<string, readonly Run[]>,
): Run[] {
  if (first === null) return [];
  const runs: Run[] = [];
  let from: Beginning = { id: first.id, at: first.at, run: first.run };
  const begunStages = new Set<string>();
  const cut = ({ id, at, run, before }: Mark): void => {
    const endedAt = endOf(from.at, before?.at ?? from.at, at);
    runs.push({ ...from, endedAt, ms: endedAt - from.at });
    from = { id, at, run };
    begunStages.clear();
  };
  for (const { stage, mark } of inOrder(marks, stageRuns)) {
    if (mark && (stage === null || begunStages.has(stage))) cut(mark);
    if (stage !== null) begunStages.add(stage);
  }
  return [...runs, { ...from, endedAt: null, ms: 0 }];
}

/** The beginnings of numbered runs and of runs of stages, by id; a numbered run comes before the stage that it begins with. */
function inOrder(
  marks: readonly Mark[],
  stageRuns: ReadonlyMap<string, readonly Run[]>,
): { id: number; stage: string | null; mark: Mark | undefined }[] {
  const restarts = new Map(marks.filter(({ stage }) => stage !== null).map((mark) => [mark.id, mark]));
  const begun = [...stageRuns].flatMap(([stage, runs]) =>
    runs.map(({ id }) => ({ id, stage, mark: restarts.get(id) })),
  );
  const numbered = marks.filter(({ stage }) => stage === null).map((mark) => ({ id: mark.id, stage: null, mark }));
  return [...numbered, ...begun].toSorted((a, b) => a.id - b.id);
}

/** A batch has been at work for at least as long as each of its stages, whatever the clocks say. */
export function batchWorkOf(runs: readonly Run[], last: Heard | null, stages: readonly Work[]): Work {
  const open = runs.at(-1);
  if (!open || !last) return { runs: 0, overMs: 0, since: null, loggedMs: 0 };
  const overMs = runs.reduce((sum, { ms }) => sum + ms, 0);
  const longest = Math.max(0, ...stages.map((stage) => stage.overMs + stage.loggedMs));
  const loggedMs = Math.max(0, last.at - open.at, longest - overMs);
  return { runs: runs.length, overMs, since: new Date(open.at).toISOString(), loggedMs };
}
