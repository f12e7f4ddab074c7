/** Another host that takes a batch over while the first one is frozen, dead or cut off. */
import { join } from "node:path";
import { expect } from "vitest";
import { EventLogger } from "@cofi/event-log/event-logger";
import { Store, type Run } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { sqlSnapshot } from "@cofi/views/sql-cards";
import type { FreshDatabase } from "../support/databases.js";

const FACTS = { owner: "second host", leaseMs: 60_000, version: "0.0.0", configuration: null };

/** Begins the next run as soon as the lease of the one before is over, and takes `a.wav` through stt. */
export async function takeOver({ database }: FreshDatabase, batchId: number, spools: string): Promise<void> {
  const store = new Store(database);
  let run: Run | null = null;
  // One that was frozen in the middle of a transaction keeps its locks until the server ends it.
  const begin = (): Promise<Run | null> => store.beginRun(batchId, FACTS).catch(() => null);
  await expect.poll(async () => (run ??= await begin()), { timeout: 120_000 }).not.toBeNull();
  const second = run as unknown as Run;
  const logger = await EventLogger.open({ batchId, run: second.run, spoolDir: join(spools, "second"), store });
  await store.updateBatchOf(second, { currentStage: "run 2" });
  const answer = { questionId: "q", answer: "NO", confidence: 1, evidence: [], rationale: "run 2" };
  await new Results(database).saveAnswers(second, "call", [answer]);
  await logger.fileStart("stt", "a.wav", { payload: {} });
  await logger.fileComplete("stt", "a.wav", { response: { text: "run 2" } });
  expect(await logger.close(60_000)).toEqual({ unshipped: 0, lost: 0 });
}

/** The cards and the checkpoint, as they are now. */
export async function shown(store: Store, batchId: number) {
  const batch = (await store.batch(batchId))!;
  const { stages } = await sqlSnapshot(store, batch, await store.maxEventId(), 5, "");
  return { stages, completed: [...(await store.completedFiles(batchId, "stt")).keys()] };
}
