/**
 * A pipeline's writer for the fault tests: logs events at a steady rate until it is killed, and says on standard output
 * which were acknowledged, the ledger of its parent. Arguments: database url, spool folder, batch id, events a second, mode,
 * durability.
 */
import { openDatabase } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";

const [, , url = "", spoolDir = "", batch = "", rate = "", mode = "", durability = "process"] = process.argv;
const database = await openDatabase(url);
const logger = await EventLogger.open({
  batchId: Number(batch),
  spoolDir,
  store: new Store(database),
  durability: durability === "power" ? "power" : "process",
});

if (mode === "drain") {
  await logger.drain();
  await logger.close();
  await database.close();
} else {
  const every = 10;
  const perTick = Math.max(1, Math.round((Number(rate) * every) / 1000));
  const response = { text: "r".repeat(4_000) };
  let number = 0;
  setInterval(() => {
    for (let n = 0; n < perTick; n++) {
      const name = `${process.pid}-${number++}`;
      void logger
        .fileComplete("stt", name, { response, payload: { text: "p".repeat(1_000) } })
        .then(() => process.stdout.write(`${name}\n`));
    }
  }, every);
}
