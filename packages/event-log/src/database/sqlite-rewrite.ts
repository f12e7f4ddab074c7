/**
 * Makes removed content unreadable in the files of an SQLite database. Deleting is not enough: pages keep what they held, even
 * with `secure_delete`, which leaves copies where the b-tree has moved rows between pages. VACUUM writes every page anew
 * (https://www.sqlite.org/lang_vacuum.html), and a checkpoint that truncates the write-ahead log leaves nothing in it.
 *
 * It runs in a process of its own: SQLite works in the thread that calls it, and this takes seconds for each gigabyte.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { EraseOptions } from "./dialect.js";
import { DatabaseUnavailableError } from "./errors.js";

/**
 * Nobody else can write while the file is rewritten. Up to this size that takes about ten seconds, less than the time between two
 * renewals of a lease; a larger file waits until no batch runs, because a run that cannot renew its lease in time stops.
 */
const BESIDE_A_RUN_BYTES = 1024 ** 3;
const LOOK_AGAIN_MS = 1_000;

/** What the other process says: what it waits for, and why it failed. */
export type RewriteMessage = { waiting: string } | { failed: string };

/** @returns false when the signal aborted before it was done. @throws DatabaseUnavailableError that says what to do */
export async function rewriteFile(path: string, { signal, onWaiting, isRunning }: EraseOptions): Promise<boolean> {
  for (let isReported = false; statSync(path).size > BESIDE_A_RUN_BYTES && (await isRunning());) {
    if (!isReported) onWaiting(`The SQLite file ${path} is rewritten when no batch runs any more. Waiting for it.`);
    isReported = true;
    if (signal?.aborted) return false;
    await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
  if (signal?.aborted) return false;
  const child = fork(fileURLToPath(new URL("sqlite-rewriter.js", import.meta.url)), [path], {
    // VACUUM builds its copy in a temporary file. The folder for those may be in memory; that of the database has room.
    env: { ...process.env, SQLITE_TMPDIR: dirname(path) },
    execArgv: [],
  });
  let reason = "";
  child.on("message", (message: RewriteMessage) => {
    if ("waiting" in message) onWaiting(message.waiting);
    else reason = message.failed;
  });
  const stop = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", stop, { once: true });
  const [code] = (await once(child, "close")) as [number | null];
  signal?.removeEventListener("abort", stop);
  if (code === 0) return true;
  if (signal?.aborted) return false;
  throw new DatabaseUnavailableError(
    `The SQLite file ${path} could not be rewritten: ${reason || `its process ended with ${code}`}. What was removed may still be ` +
      `readable in it. Make room for ${Math.ceil((2 * statSync(path).size) / 1e6)} MB in ${dirname(path)}, and run cofi prune again.`,
  );
}
