/** Files and folders that hold what clients said on the phone: for their owner alone, also those that were made otherwise. */
import { chmodSync, lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";

const [FOLDER, FILE] = [0o700, 0o600];
/** Read, write and execute of everybody but the owner. */
const OTHERS = 0o077;

/**
 * Makes a folder with all that is in it private. One that is private already is left as it is: nobody else reaches what is below.
 * @returns a sentence about what could not be changed, such as files of another user; null when nothing is left open
 */
export function makePrivate(folder: string): string | null {
  const stats = statsOf(folder);
  if (!stats?.isDirectory() || (stats.mode & OTHERS) === 0) return null;
  try {
    makeAllPrivate(folder);
    return null;
  } catch (error) {
    return `${folder} can be read by other users of this machine, and that cannot be changed: ${(error as Error).message}. Make it private: chmod -R go= ${folder}`;
  }
}

/** As {@link makePrivate}, of one file where there is one. */
export function makeFilePrivate(path: string): void {
  const stats = statsOf(path);
  if (stats?.isFile() && (stats.mode & OTHERS) !== 0) chmodSync(path, FILE);
}

/** The folder first: from then on nobody else gets in, however long the rest takes. */
function makeAllPrivate(folder: string): void {
  chmodSync(folder, FOLDER);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makeAllPrivate(path);
    else makeFilePrivate(path);
  }
}

/** null where there is nothing, also because a file stands where the path has a folder. */
function statsOf(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return null;
    throw error;
  }
}
