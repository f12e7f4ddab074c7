/**
 * Whose events a spool file holds: those of one batch of one database. Batch 7 of another database is another batch, and so
 * is one that was given the number again after a restore.
 */
import type { Segment } from "./spool-segment.js";

/** Files that stay where they are, because the database at hand is not theirs. */
export interface Refused {
  events: number;
  /** What, why, and what to do. */
  message: string;
}

interface Division {
  ours: Segment[];
  refused: Segment[];
  /** Of the refused files, those that are not confirmed. */
  events: number;
  reasons: Set<string>;
}

/**
 * Divides the files of a spool into those that the database at hand may have and those of others.
 * @param here identity of the batch in the database at hand; null when it has no such batch, undefined when it does not say
 * @param confirmed events up to this number do not count
 */
export function divide(segments: readonly Segment[], here: string | null | undefined, confirmed: number): Division {
  const division: Division = { ours: [], refused: [], events: 0, reasons: new Set() };
  for (const segment of segments) {
    const reason = segment.isOwn ? null : refusal(segment, here, confirmed);
    if (reason === null) {
      division.ours.push(segment);
      continue;
    }
    segment.close();
    division.refused.push(segment);
    division.reasons.add(reason);
    division.events += Math.max(0, segment.lastSeq - Math.max(confirmed, segment.firstSeq - 1));
  }
  return division;
}

export function refusalText(
  events: number,
  batchId: number,
  paths: readonly string[],
  reasons: ReadonlySet<string>,
): string {
  return (
    `${events === 1 ? "1 event" : `${events} events`} that an earlier process left for batch ${batchId} cannot be stored here: ` +
    `${[...reasons].join("; ")}. They are kept in ${inFiles(paths)}. Run Cofi with the database that they belong to, and it stores ` +
    "them; if there is none any more, delete these files."
  );
}

function inFiles(paths: readonly string[]): string {
  const [first] = paths;
  return paths.length === 1 ? `${first}` : `${paths.length} files, ${first} to ${paths.at(-1)}`;
}

/**
 * Why the database at hand may not have a file's events; null when it may.
 *
 * A file says whose it is as soon as its writer has reached the database once. One that does not say (its writer never did,
 * or it is of a version that knew no identities) can only be judged by time: an event that is older than the batch cannot be
 * of it.
 */
function refusal(segment: Segment, here: string | null | undefined, confirmed: number): string | null {
  const owner = segment.identity;
  if (owner !== null && owner === here) return null;
  if (here === null) return "this database has no batch of that number";
  if (owner !== null)
    return `they are of ${inWords(owner)}, and this is ${here ? inWords(here) : "one that has no name"}`;
  const createdAt = here === undefined ? Number.NaN : creationOf(here);
  if (Number.isNaN(createdAt)) return null;
  const loggedAt = segment.firstAfter(confirmed)?.event.timestamp;
  segment.close();
  if (loggedAt === undefined || !(Date.parse(`${loggedAt.replace(" ", "T")}Z`) < createdAt)) return null;
  return `they were logged at ${loggedAt} UTC, and the batch of that number in this database was created later, at ${new Date(createdAt).toISOString()}`;
}

function creationOf(identity: string): number {
  return Date.parse(identity.slice(identity.lastIndexOf(" ") + 1));
}

function inWords(identity: string): string {
  const [database, createdAt] = identity.split(" ");
  return createdAt ? `the batch created at ${createdAt} in database ${database}` : `database ${identity}`;
}
