/** Reads the access log from its first entry to its last and says where it is not what was written. */
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import { hashOfRow, NO_HASH } from "./chain.js";

const PAGE = 1_000;

/** The last entry, by which the same log is known again: entries that are cut off at the end leave nothing else behind. */
export interface LogEnd {
  seq: number;
  hash: string;
}

export interface Verified {
  entries: number;
  /** null for an empty log. */
  end: LogEnd | null;
  /** What is wrong, each with the number of its entry. */
  faults: { seq: number; says: string }[];
}

/**
 * @param noted an end that was written down earlier, which must still be in the log as it was
 * @throws DatabaseUnavailableError
 */
export async function verifyAccessLog(database: Database, noted: LogEnd | null = null): Promise<Verified> {
  const faults: Verified["faults"] = [];
  let end: LogEnd | null = null;
  let entries = 0;
  let isNotedSeen = noted === null;
  for (;;) {
    const page = await pageAfter(database, end);
    for (const { hash, ...row } of page) {
      const { seq, previousHash } = row;
      const expected: number = (end?.seq ?? 0) + 1;
      if (seq !== expected)
        faults.push({
          seq,
          says:
            seq === expected + 1 ? `Entry ${expected} is missing.` : `Entries ${expected} to ${seq - 1} are missing.`,
        });
      else if (previousHash !== (end?.hash ?? NO_HASH))
        faults.push({ seq, says: `Entry ${seq} does not follow from entry ${seq - 1}: one of the two was changed.` });
      if (hashOfRow(row) !== hash) faults.push({ seq, says: `Entry ${seq} was changed: its hash is another one.` });
      if (noted?.seq === seq) {
        isNotedSeen = true;
        if (noted.hash !== hash) faults.push({ seq, says: `Entry ${seq} has another hash than was written down.` });
      }
      end = { seq, hash };
      entries += 1;
    }
    if (page.length < PAGE) break;
  }
  if (noted && !isNotedSeen)
    faults.push({ seq: noted.seq, says: `Entry ${noted.seq}, which was written down, is not in the log any more.` });
  return { entries, end, faults };
}

async function pageAfter(database: Database, end: LogEnd | null) {
  const select = database.kysely.selectFrom("accessLog").selectAll().orderBy("seq").limit(PAGE);
  return reportUnavailable(database, () => select.where("seq", ">", end?.seq ?? 0).execute());
}
