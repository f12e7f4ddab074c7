/**
 * What a machine keeps outside of the database, so that the database alone cannot be changed unseen: secrets that are made once, and where the
 * chains of the database ended after each write from here.
 */
import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  createReadStream,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, basename, join } from "node:path";
import { createInterface } from "node:readline";

/** The last row of a chain at some time. */
export interface ChainEnd {
  seq: number;
  /** Lower-case hex. */
  hash: string;
}

const LINE = /^(\S{1,100}) (\d{1,15}) ([0-9a-f]{64})$/;

/** Ends of a chain of any number of databases, in a file. They are no secrets. */
export class NotedEnds {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Notes that the chain of a database ends here now.
   * @throws Error when it cannot: what the row allows must not happen
   */
  note(databaseId: string, { seq, hash }: ChainEnd): void {
    // The line's end comes first, so that a line that a power failure has cut off spoils no other.
    appendFileSync(this.#path, `\n${databaseId} ${seq} ${hash}`, { mode: 0o600 });
  }

  /** The ends of this database's chain, by number; and whether there are some of other databases. */
  async of(databaseId: string): Promise<{ ends: Map<number, string[]>; hasOthers: boolean }> {
    const ends = new Map<number, string[]>();
    let hasOthers = false;
    if (statSync(this.#path, { throwIfNoEntry: false }))
      for await (const line of createInterface({ input: createReadStream(this.#path) })) {
        const [, database, number, hash = ""] = LINE.exec(line) ?? [];
        if (database !== databaseId) hasOthers ||= database !== undefined;
        else ends.set(Number(number), [...(ends.get(Number(number)) ?? []), hash]);
      }
    return { ends, hasOthers };
  }
}

/** The text of a file; null when there is none. @throws Error when it cannot be read */
export function textIn(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/**
 * The text of a file for its owner alone, which is made where there is none. It appears whole, and only once: of two processes that make one,
 * one finds that of the other.
 * @throws Error when the folder cannot be written to
 */
export function madeOnce(path: string, make: () => string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const known = textIn(path);
  if (known !== null) return known;
  const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  writeFileSync(draft, make(), { mode: 0o600, flag: "wx", flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    unlinkSync(draft);
  }
  const made = textIn(path);
  if (made === null) throw new Error(`${path} was made and cannot be read back.`);
  return made;
}
