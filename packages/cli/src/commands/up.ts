import { fileURLToPath } from "node:url";
import { canInstallTools, checkTools, installTools, missingToolsMessage } from "@cofi/engines/system-tools";
import { ENGINE_STAGES } from "@cofi/engines/engine";
import type { Database } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { abortOnSignal, aborted, openConfiguredDatabase } from "../environment.js";
import { configuredDashboard } from "../dashboard.js";
import { configuredPipeline, runConfiguredBatch } from "../pipeline.js";

const SAMPLE = fileURLToPath(new URL("../../../../samples/batch", import.meta.url));
const FINISHED = new Set(["completed", "completed_with_errors"]);

/** `cofi up`: migrates, serves the dashboard, runs the sample batch unless it has run already, and keeps running. */
export async function upCommand(): Promise<void> {
  const signal = abortOnSignal("Stopping …");
  const database = await openConfiguredDatabase({ migrate: true });
  // Two: the dashboard follows an SQLite file that is exchanged, and a run must not.
  const shown = await openConfiguredDatabase({ migrate: false });
  try {
    const dashboard = await configuredDashboard(shown);
    const { url } = await dashboard.listen();
    console.log(`Dashboard: ${url}  (database ${database.description}; Ctrl-C stops it)`);
    try {
      await provideTools();
      await runSample(database, signal);
    } catch (error) {
      // The dashboard keeps running, so that it shows what happened.
      if (!signal.aborted) console.error(`The sample batch did not run: ${(error as Error).message}`);
    }
    await aborted(signal);
    await dashboard.close();
  } finally {
    await shown.close();
    await database.close();
  }
}

/** Installs the system tools that the engines need if that is allowed; otherwise prints the command to type. */
async function provideTools(): Promise<void> {
  const { missing } = await checkTools(ENGINE_STAGES);
  if (missing.length === 0) return;
  if (await canInstallTools()) await installTools(missing, console.log);
  else console.error(`${missingToolsMessage(missing)}\nUntil then the stages that need it fail.`);
}

async function runSample(database: Database, signal: AbortSignal): Promise<void> {
  const latest = await new Store(database).latestBatchOfFolder(SAMPLE);
  if (latest && FINISHED.has(latest.status)) {
    console.log(`The sample batch has run already, as batch ${latest.id}. Run your own: npx cofi run <folder>`);
    return;
  }
  const result = await runConfiguredBatch(await configuredPipeline(), {
    database,
    folder: SAMPLE,
    name: "Sample batch",
    signal,
    report: (message) => console.log(message),
  });
  console.log(`Sample batch ${result.status.replaceAll("_", " ")}. ${result.summary}`);
  if (!signal.aborted) console.log("Run your own: npx cofi run <folder>");
}
