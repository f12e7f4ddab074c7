/**
 * What spools hold of batches that retention has removed: damaged files and refused events, which hold payloads, and events of
 * batches that are not there any more and can never be shipped.
 */
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FileLock } from "./file-lock.js";
import { labelled } from "./spool-label.js";
import { Segment } from "./spool-segment.js";

/** What retention has removed of a batch. */
interface RemovedBatch {
  /** As `EventSink.identityOf` gives it. */
  identity: string;
  /** Nothing of it is in the database any more. */
  isWhole: boolean;
}

export interface RemovedFiles {
  /** Files that were removed, or from which events were. */
  files: number;
  /** Those that another process holds: the next time removes them. */
  inUse: string[];
}

const FILE = /^(batch-(\d+)(?:-aside-[0-9a-f]+)?)\.(\d{15})\.spool(\.damaged(?:-\d+)?)?$/;
const REJECTED = /^(batch-(\d+))\.rejected\.ndjson$/;

/**
 * Removes what is left in `folder` of batches that retention has removed.
 * @param removed what it has removed of the batch of this number; null for one that is as it was
 * @throws the database's error, or the file system's
 */
export async function removeSpoolFiles(
  folder: string,
  removed: (batchId: number) => Promise<RemovedBatch | null>,
): Promise<RemovedFiles> {
  const result: RemovedFiles = { files: 0, inUse: [] };
  if (!existsSync(folder)) return result;
  for (const file of readdirSync(folder).toSorted()) {
    const [, spool, batch, first, damaged] = FILE.exec(file) ?? REJECTED.exec(file) ?? [];
    if (spool === undefined) continue;
    const of = await removed(Number(batch));
    // Events of a batch that is there are shipped, and removed in the database.
    if (of === null || (first !== undefined && damaged === undefined && !of.isWhole)) continue;
    const lock = FileLock.take(join(folder, `${spool}.lock`));
    if (!lock) {
      result.inUse.push(join(folder, file));
      continue;
    }
    try {
      const path = join(folder, file);
      const isGone = first === undefined ? removeRejected(path, of) : removeSegment(path, Number(first), of);
      result.files += Number(isGone);
    } finally {
      lock.release();
    }
  }
  return result;
}

function removeSegment(path: string, firstSeq: number, of: RemovedBatch): boolean {
  const segment = Segment.open(path, firstSeq);
  const loggedAt = segment.identity === null ? segment.firstAfter(0)?.event.timestamp : undefined;
  const isOf = belongsTo(of, segment.identity, loggedAt, path);
  segment.close();
  if (isOf) rmSync(path);
  return isOf;
}

/** Refused events of another database's batch of the same number stay. */
function removeRejected(path: string, of: RemovedBatch): boolean {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  const kept = lines.filter((line) => {
    const { of: identity = null, timestamp } = parsed(line);
    return !belongsTo(of, identity, timestamp, path);
  });
  if (kept.length === lines.length && lines.length > 0) return false;
  if (kept.length === 0) rmSync(path);
  else {
    const rewritten = `${path}.new`;
    writeFileSync(rewritten, kept.map((line) => `${line}\n`).join(""), { mode: 0o600 });
    renameSync(rewritten, path);
  }
  return true;
}

function parsed(line: string): { of?: string | null; timestamp?: string } {
  try {
    return JSON.parse(line) as { of?: string | null; timestamp?: string };
  } catch (error) {
    // A process was killed while it wrote the line.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** What does not say whose it is can only be judged by time: what is older than the batch is of another one of its number. */
function belongsTo(
  { identity }: RemovedBatch,
  owner: string | null,
  loggedAt: string | undefined,
  path: string,
): boolean {
  if (owner !== null) return owner === labelled(identity);
  const createdAt = Date.parse(identity.slice(identity.lastIndexOf(" ") + 1));
  const at = loggedAt === undefined ? statSync(path).mtimeMs : Date.parse(`${loggedAt.replace(" ", "T")}Z`);
  return !(at < createdAt);
}
