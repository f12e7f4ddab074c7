/** A night with trades behind a dashboard on which a reviewer has logged in, with the recording of one call. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { toDatabaseTime } from "@cofi/event-log/time";
import { Sessions } from "@cofi/access/sessions";
import { launchBrowser } from "./browser.js";
import { startDashboard } from "./cofi.js";
import { insertInto } from "./databases.js";
import { storeTrades } from "./trades.js";

const HOUR = 3_600_000;
const SECRETS = { word: "zebedee", phone: "919812345678", client: "MN0042" };
/** Of C1; a beep at the beginning of each tenth second. */
const BEEPS = "aevalsrc='if(lt(mod(t\\,10)\\,0.2)\\,0.7*sin(2*PI*880*t)\\,0.01*random(0))':d=60:s=8000";

export interface Reviewed {
  url: string;
  batchId: number;
  /** A page on which the reviewer has logged in. */
  open: () => Promise<Page>;
  close(): Promise<void>;
}

export async function startReviewed(): Promise<Reviewed> {
  const folder = await mkdtemp(join(tmpdir(), "cofi-trades-"));
  const recordings = join(folder, "batch");
  await mkdir(recordings);
  const recording = join(recordings, `20260105-101500_+${SECRETS.phone}_C1.wav`);
  await promisify(execFile)("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", BEEPS, recording]);
  const databaseUrl = `sqlite:${join(folder, "cofi.sqlite")}`;
  const database = await openDatabase(databaseUrl);
  await migrate(database);
  const { id: batchId } = await new Store(database).createBatch({ name: "night", folder: recordings });
  const insertForeign = insertInto(database);
  await storeTrades({ database, insertForeign }, batchId, SECRETS);
  for (const line of [7, 12])
    await insertForeign({
      batchId,
      stage: "trademetadata",
      eventType: "error",
      fileName: "trades.csv",
      status: "processing",
      errorMessage: `trades.csv, line ${line}: quantity is not a number.`,
      metadata: JSON.stringify({ line }),
    });
  await database.kysely
    .updateTable("batchStatus")
    .set({ status: "completed", finishedAt: toDatabaseTime(new Date()) })
    .where("id", "=", batchId)
    .execute();
  const sessions = new Sessions(database, { idleMs: HOUR, longestMs: HOUR });
  const secret = await sessions.begin({ who: "ann", role: "reviewer", way: "password" });
  await database.close();
  const dashboard = await startDashboard({
    COFI_DATABASE_URL: databaseUrl,
    COFI_DATA_DIR: folder,
    COFI_LOGIN: "1",
  });
  const browser = await launchBrowser();
  return {
    url: dashboard.url,
    batchId,
    async open() {
      const context = await browser.newContext();
      await context.addCookies([{ name: "cofi_session", value: secret, url: dashboard.url }]);
      return context.newPage();
    },
    async close() {
      await browser.close();
      await dashboard.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
