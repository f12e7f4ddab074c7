/** Errors by their cause, and what became of the files that they hit: what a later try has done is no failure any more. */
import { STAGES } from "@cofi/event-log/stages";
import type { Detail } from "../fold/detail.js";
import type { ErrorGroup } from "../fold/error-group.js";
import type { ErrorGroupView, ErrorsView } from "../shapes.js";

export function errorsView(detail: Detail, asOf: string): ErrorsView {
  const groups = detail.errors.map((group, index) => groupView(detail, group, index));
  return { groups: groups.toSorted((a, b) => a.firstId - b.firstId), asOf, head: detail.head };
}

function groupView(detail: Detail, group: ErrorGroup, index: number): ErrorGroupView {
  const { cause, count, firstId, firstAt, lastId, lastAt, hosts, files } = group;
  const stages = [...group.stages].map(([stage, errors]) => ({
    stage: STAGES[stage]?.name ?? "",
    count: errors,
    final: failedIn(detail, group, index, stage).length + endingsOf(detail, group, stage),
  }));
  const endings = [...group.stages.keys()].reduce((sum, stage) => sum + endingsOf(detail, group, stage), 0);
  const outcomes = outcomesOf(detail, group, index);
  return {
    cause,
    example: exampleOf(detail, group, index),
    count,
    final: outcomes.failed + endings,
    firstId,
    firstAt,
    lastId,
    lastAt,
    stages,
    hosts: [...hosts].map(([host, errors]) => ({ host: detail.hosts.all[host] ?? "", count: errors })),
    files: files.size,
    ...outcomes,
    rows: [...group.rows.keys()].reduce((sum, stage) => sum + rowsIn(detail, group, stage), 0),
  };
}

/** The words of the first error that still stands, else of the first one. */
function exampleOf(detail: Detail, group: ErrorGroup, cause: number): string {
  const stands = ({ id, stage, file }: ErrorGroup["examples"][number]): boolean => {
    if (file !== null)
      return group.attempts.get(stage)?.has(file) === true && outcomeIn(detail, stage, file, cause) === "failed";
    return endingsOf(detail, group, stage) > 0 && detail.work.stage(STAGES[stage]!.name).latestRunId <= id;
  };
  return (group.examples.find(stands) ?? group.examples[0])?.message ?? "";
}

/** From the worst: a file that the cause has hit in several stages counts by the worst of them. */
const OUTCOMES = ["failed", "triedAgain", "otherwise", "doneLater"] as const;
type Outcome = (typeof OUTCOMES)[number];

function outcomesOf(detail: Detail, group: ErrorGroup, cause: number): Record<Outcome, number> {
  const byFile = new Map<number, number>();
  for (const [stage, files] of group.attempts)
    for (const file of files) {
      const rank = OUTCOMES.indexOf(outcomeIn(detail, stage, file, cause));
      byFile.set(file, Math.min(rank, byFile.get(file) ?? rank));
    }
  const counts = { failed: 0, triedAgain: 0, otherwise: 0, doneLater: 0 };
  for (const rank of byFile.values()) counts[OUTCOMES[rank]!] += 1;
  return counts;
}

function outcomeIn({ stages }: Detail, stage: number, file: number, cause: number): Outcome {
  const cells = stages[stage]!;
  const state = cells.stateOf(file);
  if (state === "done") return "doneLater";
  if (state === "inFlight" || state === "retrying") return "triedAgain";
  return state === "failed" && cells.cause.get(file) === cause + 1 ? "failed" : "otherwise";
}

function failedIn(detail: Detail, { attempts }: ErrorGroup, cause: number, stage: number): number[] {
  return [...(attempts.get(stage) ?? [])].filter((file) => outcomeIn(detail, stage, file, cause) === "failed");
}

/** Errors that ended the stage, which has not run again since. */
function endingsOf({ work }: Detail, { endings }: ErrorGroup, stage: number): number {
  const latest = endings.get(stage);
  return latest && latest.runId === work.stage(STAGES[stage]!.name).latestRunId ? latest.count : 0;
}

/** Errors in rows of the tables that a stage reads, each as it was read last. */
export function rowsIn({ stages }: Detail, { rows }: ErrorGroup, stage: number): number {
  let count = 0;
  for (const [file, latest] of rows.get(stage) ?? [])
    if (latest.attempts === stages[stage]!.starts.get(file)) count += latest.count;
  return count;
}
