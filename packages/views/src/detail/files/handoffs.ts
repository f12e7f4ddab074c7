/** Which files each stage should have seen, against those that it saw. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { Detail } from "../fold/detail.js";
import { MOST_NAMES, type HandoffCounts, type Reconciliation } from "../shapes.js";
import { FileStates } from "./file-states.js";

/** Each stage of recordings that names its files: what it should have seen against what it saw. */
export function reconciliation(detail: Detail, summaries: readonly StageSummary[], asOf: string): Reconciliation {
  const states = new FileStates(detail, summaries);
  const indexes = STAGES.flatMap((_, index) => (states.isInChain(index) ? [index] : []));
  const stages = indexes.map((index, at) => emptyCounts(index, indexes[at - 1] ?? null, summaries));
  for (const [file, fileName] of detail.files.all.entries()) {
    if (detail.isRecording.get(file) === 0) continue;
    const ofFile = states.of(file);
    for (const [at, index] of indexes.entries()) {
      const state = ofFile[index] ?? null;
      if (state === null) continue;
      const counts = stages[at]!;
      counts.input += 1;
      counts[state] += 1;
      if (state === "missing" && counts.missing <= MOST_NAMES) counts.missingFiles.push(fileName);
      if (at === 0 || state === "skipped" || ofFile[indexes[at - 1]!] === "done") continue;
      counts.unexpected += 1;
      if (counts.unexpected <= MOST_NAMES) counts.unexpectedFiles.push(fileName);
    }
  }
  for (const [at, counts] of stages.entries()) {
    const isOver = counts.status === "success" || counts.status === "failed";
    const hasNamed = detail.stages[indexes[at]!]!.named > 0;
    // What a stage announces may hold what it leaves out, or not.
    if (isOver && hasNamed) counts.unnamed = Math.max(0, (counts.announced ?? 0) - (counts.input - counts.missing));
  }
  const balanced = stages.every(({ missing, unexpected, unnamed }) => missing + unexpected + unnamed === 0);
  return { stages, balanced, asOf, head: detail.head };
}

function emptyCounts(index: number, from: number | null, summaries: readonly StageSummary[]): HandoffCounts {
  const { stage, label, status, totalFiles } = summaries[index] as StageSummary;
  return {
    stage,
    label,
    status,
    from: from === null ? null : (STAGES[from]?.name ?? null),
    input: 0,
    done: 0,
    failed: 0,
    skipped: 0,
    inFlight: 0,
    retrying: 0,
    waiting: 0,
    missing: 0,
    unexpected: 0,
    announced: totalFiles,
    unnamed: 0,
    missingFiles: [],
    unexpectedFiles: [],
  };
}
