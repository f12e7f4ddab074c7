/** What is said of a batch whose writer gives no sign of life. The page says the time in the viewer's zone. */
import type { Batch } from "@cofi/event-log/events";
import type { Finding } from "./shapes.js";

/** Why nobody seems to work on the batch, and what continues it; null for a batch that is not silent. */
export function silenceRule({ id, silence }: Pick<Batch, "id" | "silence">): string | null {
  if (!silence) return null;
  if (silence.run === null)
    return "The service that writes this batch has logged nothing for more than half an hour. A new event ends the silence.";
  return `Run ${silence.run} has not renewed its lease: its process has ended, or cannot reach the database. \`npx cofi run … --batch ${id}\` continues the batch.`;
}

/** The finding about a silent batch; none for another one. */
export function silenceFindings(batch: Batch): Finding[] {
  const rule = silenceRule(batch);
  if (!batch.silence || rule === null) return [];
  const { since } = batch.silence;
  const text = `No sign of life since ${since.slice(0, 19).replace("T", " ")} UTC`;
  return [{ kind: "silent-batch", stage: batch.currentStage ?? "", what: since, count: 1, text, rule }];
}
