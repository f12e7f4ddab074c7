import { resolve } from "node:path";
import { preparePack } from "@cofi/pack/make";
import { abortOnSignal, accessLogOf, signingKey, withStore } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { batchNumber, namedBatch } from "../named-batch.js";
import { configuredRecordings } from "../recordings.js";
import { byThisUser } from "../this-user.js";
import { VERSION } from "../version.js";
import { writeWhole } from "../whole-file.js";

interface Options {
  batch?: string;
  output?: string;
  reason?: string;
}

/** `cofi pack <trade>`: one signed zip with all that proves or refutes a trade. The exit code is 1 when a recording could not be packed. */
export async function packCommand(tradeId: string, options: Options): Promise<void> {
  const number = batchNumber(options.batch);
  const signal = abortOnSignal("Stopped: no pack is made.");
  const key = signingKey();
  await withStore(async (store, database) => {
    const batch = await namedBatch(store, number);
    const accessLog = accessLogOf(database);
    const what = `pack of trade ${tradeId} of batch ${batch.id}`;
    const recordings = configuredRecordings(store);
    try {
      const pack = await preparePack(
        { database, accessLog, key, recordings: recordings.sources, version: VERSION },
        batch,
        tradeId,
        () => accessLog.add({ ...byThisUser("export", what, batch.id), why: options.reason ?? "" }),
      );
      if (!pack) throw new CommandError(`Batch ${batch.id} has no trade ${tradeId}.`, EXIT.usage);
      const path = resolve(options.output ?? pack.name);
      await writeWhole(pack.bytes(), path, signal);
      console.log(
        `${path} is the pack of trade ${tradeId} of batch ${batch.id}, signed with the key ${key.public.id}.`,
      );
      for (const sentence of pack.missing) console.error(`Not in it: ${sentence}`);
      if (pack.missing.length > 0) process.exitCode = EXIT.failed;
    } catch (error) {
      if (signal.aborted) throw new CommandError("No pack was made.", EXIT.interrupted);
      throw error;
    } finally {
      await recordings.close();
    }
  });
}
