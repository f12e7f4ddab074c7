/** Narrows a batch to the files that one cause of errors has hit; every view can be computed for these files alone. */
import type { Batch, LogEvent, StageSummary } from "@cofi/event-log/events";
import { progressOf } from "../../cards/projection.js";
import type { Store } from "@cofi/event-log/store";
import { reconciliation } from "./handoffs.js";
import { causeOf } from "../fold/error-cause.js";
import { filesOfCause } from "./files-view.js";
import { foldPages, type Folded, type FoldOptions } from "../fold/replay.js";

/** Names in one query. */
const FILES_ASKED = 200;
/** Events of one answer. */
const PAGE = 5_000;

/**
 * Reads all events of the files that the cause has hit, as far as `whole` knows them, and the events of the stages themselves.
 * Totals count only these files; times at work are those of the whole batch. @throws DatabaseUnavailableError
 */
export async function focusOn(
  store: Store,
  batch: Batch,
  whole: Pick<Folded, "current" | "detail">,
  cause: string,
  options: FoldOptions = {},
): Promise<Folded> {
  const { detail, current } = whole;
  const names = [...filesOfCause(detail, cause)].map((file) => detail.files.all[file]!);
  const pages = pagesOf(store, batch.id, names, cause, detail.head);
  const folded = await foldPages(batch, pages, { ...options, whole: current });
  const { stages } = reconciliation(folded.detail, folded.summaries, "");
  const totals = new Map(stages.map(({ stage, input, missing }) => [stage, input - missing]));
  return { ...folded, summaries: folded.summaries.map((summary) => withTotal(summary, totals.get(summary.stage))) };
}

async function* pagesOf(
  store: Store,
  batchId: number,
  names: readonly string[],
  cause: string,
  upToId: number,
): AsyncGenerator<LogEvent[]> {
  for await (const page of pagesOfFiles(store, batchId, null, upToId))
    yield page
      .filter(({ eventType, errorMessage }) => eventType !== "error" || causeOf(errorMessage, null) === cause)
      .map((event) => ({ ...event, totalFiles: null, processedFiles: null }));
  for (let start = 0; start < names.length; start += FILES_ASKED)
    yield* pagesOfFiles(store, batchId, names.slice(start, start + FILES_ASKED), upToId);
}

async function* pagesOfFiles(
  store: Store,
  batchId: number,
  names: readonly string[] | null,
  upToId: number,
): AsyncGenerator<LogEvent[]> {
  for (let after = 0; ;) {
    const page = await store.eventsOfFiles(batchId, names, { after, upToId, limit: PAGE });
    yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.id;
  }
}

function withTotal(summary: StageSummary, totalFiles: number | undefined): StageSummary {
  if (totalFiles === undefined) return summary;
  return { ...summary, totalFiles, progress: progressOf(summary.status, totalFiles, summary.done + summary.failed) };
}
