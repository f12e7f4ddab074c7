import type { LogEnd } from "@cofi/access/log-keeper";
import { verifyAccessLog } from "@cofi/access/verify-log";
import { dataDir, withStore } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";

const MOST_SHOWN = 100;

/** `cofi verify --access-log`: reads the access log and says which entries are not as they were written. The exit code is 1 when some are not. */
export async function verifyCommand(options: { accessLog?: true; end?: string }): Promise<void> {
  if (options.accessLog !== true) throw new CommandError("Say what to verify: `cofi verify --access-log`.", EXIT.usage);
  const noted = options.end === undefined ? null : endIn(options.end);
  const { entries, end, faults, notedEnds } = await withStore((_store, database) =>
    verifyAccessLog(database, dataDir(), noted),
  );
  for (const { says } of faults.slice(0, MOST_SHOWN)) console.error(says);
  if (faults.length > MOST_SHOWN) console.error(`… and ${faults.length - MOST_SHOWN} more.`);
  if (faults.length > 0) {
    process.exitCode = EXIT.failed;
    return;
  }
  const count = entries === 1 ? "1 entry" : `${entries.toLocaleString("en")} entries`;
  console.log(`The access log is as it was written: ${count}.`);
  if (notedEnds === 0 && end && !noted)
    console.log("Nothing was noted on this machine about its end, so entries may be missing there.");
  if (end)
    console.log(
      `Its end, to be noted elsewhere (\`cofi verify --access-log --end …\` looks for it): ${end.seq}:${end.hash}`,
    );
}

function endIn(text: string): LogEnd {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (seq === undefined || hash === undefined)
    throw new CommandError(
      "--end takes what an earlier `cofi verify --access-log` has printed, such as 17:0a5b….",
      EXIT.usage,
    );
  return { seq: Number(seq), hash };
}
