import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Batch } from "@cofi/event-log/events";
import { foldDetail, workedUntil } from "@cofi/views/detail/replay";
import { EXPORT_FORMATS, exportEvents, exportFiles, type ExportFormat } from "@cofi/views/export";
import type { Store } from "@cofi/event-log/store";
import { accessLogOf, withStore } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { batchNumber, namedBatch } from "../named-batch.js";
import { byThisUser } from "../this-user.js";
import { writeWhole } from "../whole-file.js";

interface Options {
  batch?: string;
  format: string;
  output?: string;
  payloads?: true;
}

/** `cofi export files|events`: writes a batch to standard output or to the file of `--output`. */
export async function exportCommand(what: string, options: Options): Promise<void> {
  if (what !== "files" && what !== "events")
    throw new CommandError(`Cannot export "${what}"; expected files or events.`, EXIT.usage);
  const format = EXPORT_FORMATS.find((known) => known === options.format);
  if (!format)
    throw new CommandError(`--format takes ${EXPORT_FORMATS.join(", ")}, not "${options.format}".`, EXIT.usage);
  const number = batchNumber(options.batch);
  await withStore(async (store, database) => {
    const batch = await namedBatch(store, number);
    if (what === "events" && options.payloads === true)
      await accessLogOf(database).add(
        byThisUser("export", `events with payloads and responses of batch ${batch.id}`, batch.id),
      );
    const upToId = await store.maxEventId();
    const pieces =
      what === "events"
        ? exportEvents(store, batch, { filter: {}, upToId, format, bodies: options.payloads === true })
        : await filesOf(store, batch, upToId, format);
    await (options.output === undefined ? print(pieces) : writeWhole(pieces, options.output));
  });
}

async function filesOf(
  store: Store,
  batch: Batch,
  upToId: number,
  format: ExportFormat,
): Promise<AsyncGenerator<string>> {
  const folded = await foldDetail(store, batch, upToId);
  const filter = { sort: "name", descending: false, everything: true } as const;
  return exportFiles(folded.detail, folded.summaries, { filter, now: workedUntil(folded, Date.now()), format });
}

/** A reader that leaves (`cofi export … | head`) ends the export without an error. */
async function print(pieces: AsyncGenerator<string>): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}
