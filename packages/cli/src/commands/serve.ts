import { abortOnSignal, aborted, openConfiguredDatabase } from "../environment.js";
import { configuredDashboard, configuredLogger } from "../dashboard.js";
import { configuredSchedule, pruneDaily } from "../prune-schedule.js";

/** How long connections may take to close, and retention to end its step: less than the ten seconds that containers are given. */
const ENDS_WITHIN_MS = 5_000;

/** `cofi serve`: serves the dashboard until it is stopped. */
export async function serveCommand(): Promise<void> {
  const signal = abortOnSignal("", ENDS_WITHIN_MS);
  const database = await openConfiguredDatabase({ migrate: false });
  try {
    const schedule = configuredSchedule();
    const dashboard = await configuredDashboard(database);
    const { url } = await dashboard.listen();
    const pruning = schedule && pruneDaily(schedule, database, { logger: configuredLogger(), signal });
    console.log(`Dashboard: ${url}  (database ${database.description}; Ctrl-C stops it)`);
    await aborted(signal);
    await dashboard.close();
    await pruning;
  } finally {
    await database.close();
  }
}
