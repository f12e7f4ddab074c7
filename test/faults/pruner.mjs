/**
 * Prunes a database again and again, as fast as it can, until standard input closes. Says after each round the last number that it had read
 * from there before the round began.
 */
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import { prune } from "@cofi/event-log/retention";
import { openDatabase } from "@cofi/event-log/database";

const [url = ""] = process.argv.slice(2);
const DAY = 86_400_000;
const stop = new AbortController();
let asked = 0;
createInterface({ input: process.stdin })
  .on("line", (line) => (asked = Number(line)))
  .on("close", () => stop.abort());

const database = await openDatabase(url);
while (!stop.signal.aborted) {
  const before = asked;
  await prune(database, { keepPayloadsMs: 30 * DAY, keepEventsMs: 365 * DAY, signal: stop.signal });
  console.log(before);
  // An SQLite file answers at once: without this nothing else would have its turn, neither the output nor the end of the input.
  await nextTurn();
}
await database.close();
