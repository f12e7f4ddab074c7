/** The files of all spools in a folder: their names, and what is said of a damaged one. */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { uuidv7 } from "../../uuid.js";
import { Segment, type Damage } from "./spool-segment.js";

/** `batch-7`, or `batch-7-aside-` and the moment when it was put aside. */
const FILE = /^(batch-(\d+)(?:-aside-[0-9a-f]+)?)\.(\d{15})\.spool$/;

/** Of the spool that the logger of a batch writes. */
export function spoolName(batchId: number): string {
  return `batch-${batchId}`;
}

export function segmentPath(folder: string, name: string, firstSeq: number): string {
  return join(folder, `${name}.${String(firstSeq).padStart(15, "0")}.spool`);
}

/** Those of a spool, in order; the ones that were never written to are removed. @throws the file system's error */
export function segmentsOf(folder: string, name: string): Segment[] {
  return readdirSync(folder)
    .toSorted()
    .flatMap((file) => {
      const [, spool, , first] = FILE.exec(file) ?? [];
      if (spool !== name) return [];
      const segment = Segment.open(join(folder, file), Number(first));
      segment.close();
      if (!segment.empty) return [segment];
      segment.remove();
      return [];
    });
}

/**
 * Gives files of a spool a name of their own, under which they are a spool like any other. Where the disk refuses, they keep
 * their names: nothing is lost by it.
 * @returns where they are
 */
export function putAside(paths: readonly string[], folder: string, batchId: number): string[] {
  const name = `${spoolName(batchId)}-aside-${uuidv7().replaceAll("-", "").slice(0, 20)}`;
  return paths.map((path) => {
    const aside = join(folder, basename(path).replace(spoolName(batchId), name));
    try {
      renameSync(path, aside);
      return aside;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      return path;
    }
  });
}

/** Spools that have files in `folder`, left by processes that ended before everything was shipped: those put aside first. */
export function spoolsIn(folder: string): { name: string; batchId: number }[] {
  if (!existsSync(folder)) return [];
  const found = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    const [, name, batch] = FILE.exec(file) ?? [];
    if (name !== undefined) found.set(name, Number(batch));
  }
  const spools = [...found].map(([name, batchId]) => ({ name, batchId }));
  const order = ({ name, batchId }: (typeof spools)[number]): string => (name === spoolName(batchId) ? "~" : name);
  return spools.toSorted((a, b) => a.batchId - b.batchId || (order(a) < order(b) ? -1 : 1));
}

export function damageText(path: string, { events, bytesAtEnd, label }: Damage, keptAs: string): string {
  return (
    `The event spool ${path} was damaged: ${events === 1 ? "1 event was" : `${events} events were`} lost` +
    (bytesAtEnd > 0 ? `, and ${bytesAtEnd} bytes at its end hold nothing that can be read` : "") +
    (label ? ", and its first line cannot be read" : "") +
    `; all others were recovered. The damaged file is kept as ${keptAs}.`
  );
}

/** A new file is there after a power cut only if its folder was written, too. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
