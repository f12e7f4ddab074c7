import { STAGES } from "@cofi/event-log/stages";
import type { Store } from "@cofi/event-log/store";
import { figuresOf } from "../cards/sql-cards.js";
import { workedMs } from "../work/worked.js";

/**
 * How long each stage of a batch that is over took for a file, in ms: the time of all its runs over all its files. Stages that
 * did not end well, or name no files, are missing. @throws DatabaseUnavailableError
 */
export async function speedsOf(store: Store, batchId: number): Promise<Map<string, number>> {
  const { stages } = await store.query(() => figuresOf(store.database, batchId, Number.MAX_SAFE_INTEGER));
  const speeds = new Map<string, number>();
  for (const { name } of STAGES) {
    const { status, isByFile, done, failed, processedFiles, work } = stages.get(name)!;
    const files = isByFile ? done + failed : processedFiles;
    const ms = workedMs(work, null);
    if (status === "success" && files > 0 && ms > 0) speeds.set(name, ms / files);
  }
  return speeds;
}
