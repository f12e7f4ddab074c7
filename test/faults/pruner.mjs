/** Prunes a database again and again, as fast as it can, until standard input closes. Says the number of each round that has ended. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { prune } from "@cofi/event-log/retention";
import { openDatabase } from "@cofi/event-log/database";

const [url = ""] = process.argv.slice(2);
const DAY = 86_400_000;
const stop = new AbortController();
process.stdin.on("end", () => stop.abort()).resume();

const database = await openDatabase(url);
for (let round = 1; !stop.signal.aborted; round++) {
  await prune(database, { keepPayloadsMs: 30 * DAY, keepEventsMs: 365 * DAY, signal: stop.signal });
  console.log(round);
  // An SQLite file answers at once: without this nothing else would have its turn, neither the output nor the end of the input.
  await nextTurn();
}
await database.close();
