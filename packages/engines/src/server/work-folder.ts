/** Folders for what an engine writes while it works on recordings: they go with it, or, when it was killed, soon after. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Followed by the id of the process that made it. */
const PREFIX = "cofi-speech-";

/** An empty folder of this process, which removes it. */
export async function makeWorkFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
}

/** An engine that was killed could not remove its folder, and speech must not stay behind on a shared disk. */
export async function removeAbandonedWorkFolders(): Promise<void> {
  for (const entry of await readdir(tmpdir(), { withFileTypes: true })) {
    const [, owner] = new RegExp(`^${PREFIX}(\\d+)-`).exec(entry.name) ?? [];
    if (owner === undefined || !entry.isDirectory() || isRunning(Number(owner))) continue;
    await rm(join(tmpdir(), entry.name), { recursive: true, force: true }).catch((error: NodeJS.ErrnoException) => {
      // Another user's engine made it: not ours to remove.
      if (error.code !== "EACCES" && error.code !== "EPERM") throw error;
    });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user may not be signalled, and is there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
