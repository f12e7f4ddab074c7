import { abortOnSignal, aborted, openConfiguredDatabase } from "../environment.js";
import { configuredDashboard, configuredLogger } from "../dashboard.js";
import { schedulePrune } from "../prune-schedule.js";

/** `cofi serve`: serves the dashboard until it is stopped. */
export async function serveCommand(): Promise<void> {
  const signal = abortOnSignal("");
  const database = await openConfiguredDatabase({ migrate: false });
  try {
    const dashboard = await configuredDashboard(database);
    schedulePrune(database, configuredLogger(), signal);
    const { url } = await dashboard.listen();
    console.log(`Dashboard: ${url}  (database ${database.description}; Ctrl-C stops it)`);
    await aborted(signal);
    await dashboard.close();
  } finally {
    await database.close();
  }
}
