/** What the access log says of a case: who has looked at it, and why. */
import type { Entry } from "@cofi/access/log-entries";
import type { PackMaterial } from "./material.js";

const PAGE = 500;

/**
 * A line for each entry, newest first. Entries about other cases of the batch stay out, and so do searches, whose words may be those of another
 * client.
 */
export async function* accessEntries(
  { case: found, accessLog }: Pick<PackMaterial, "case" | "accessLog">,
  eventIds: ReadonlySet<number>,
): AsyncGenerator<string> {
  const names = [found.trade.tradeId, ...found.calls.flatMap(({ callId, fileName }) => [callId, fileName])];
  for (let before: number | undefined; ;) {
    const { entries, nextCursor } = await accessLog.entries({ batchId: found.batch.id }, { before, limit: PAGE });
    for (const entry of entries) if (isOfCase(entry, names, eventIds)) yield `${JSON.stringify(entry)}\n`;
    if (nextCursor === null) return;
    before = Number(nextCursor);
  }
}

function isOfCase({ action, what }: Entry, names: readonly string[], eventIds: ReadonlySet<number>): boolean {
  if (action === "search") return false;
  const [, event] = /^event (\d+)$/.exec(what) ?? [];
  if (event !== undefined) return eventIds.has(Number(event));
  // Exports and removals of the whole batch hold the case too.
  if (action === "prune" || (action === "export" && !what.startsWith("pack of "))) return true;
  return names.some((name) => what.split(/[\s()]+/).includes(name) || what.includes(JSON.stringify(name)));
}
