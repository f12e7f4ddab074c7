/** A night in which something went wrong, and its dashboard: for the browser tests of the operator's work. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { generateBatch } from "../../tools/generate-batch.mjs";
import { startDashboard } from "./cofi.js";

export interface Night {
  /** Of the dashboard. */
  url: string;
  databaseUrl: string;
  /** A folder of the tests' own. */
  root: string;
  batchId: number;
  files: number;
  failed: number;
  vanished: string;
  close(): Promise<void>;
}

/** Makes all events of an embedded database ten minutes older, so that hanging files and stages count as stalled. */
export async function ageEvents({ kysely }: Database): Promise<void> {
  await sql`UPDATE batchExecutionLog
    SET timestamp = strftime('%Y-%m-%d %H:%M:%f', timestamp, '-600 seconds')`.execute(kysely);
}

/** Two batches in an embedded database: `quiet`, and `night` with what `TROUBLE` names, ten minutes old, so that stalls are reported. */
export async function startNight(files: number): Promise<Night> {
  const root = await mkdtemp(join(tmpdir(), "cofi-night-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  const database = await openDatabase(databaseUrl);
  await migrate(database);
  const store = new Store(database);
  await generateBatch({ store, spoolDir: root, files: 20, name: "quiet" });
  const { batchId, failed, vanished } = await generateBatch({
    store,
    spoolDir: root,
    files,
    name: "night",
    trouble: true,
  });
  await ageEvents(database);
  await database.close();
  const dashboard = await startDashboard({ COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root });
  return {
    url: dashboard.url,
    databaseUrl,
    root,
    batchId,
    files,
    failed,
    vanished: vanished ?? "",
    async close() {
      await dashboard.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
