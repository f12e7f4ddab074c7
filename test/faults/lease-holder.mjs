// Runs a batch by the lease, writing status, results and events all the time, until it may not:
// `node lease-holder.mjs <database url> <batch id> <spool folder> <lease in ms>`. Prints `begun` or `logged`
// for each event that is acknowledged, then one line at the end.
import { setTimeout as pause } from "node:timers/promises";
import { openDatabase } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { RunSupersededError, Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { Lease } from "@cofi/pipeline/lease";

const [url, id, spoolDir, leaseMs] = process.argv.slice(2);
const database = await openDatabase(url ?? "");
const store = new Store(database);
const results = new Results(database);
const batch = await store.batch(Number(id));
if (!batch) throw new Error(`There is no batch ${id}.`);
const options = { leaseMs: Number(leaseMs), version: "0.0.0", configuration: null, report: () => undefined };
const lease = await Lease.take(store, batch, options);
const { run } = lease;
const logger = await EventLogger.open({ batchId: batch.id, run: run.run, spoolDir: spoolDir ?? "", store });
const answer = { questionId: "q", answer: "YES", confidence: 1, evidence: [], rationale: `run ${run.run}` };
let refused = 0;
let begun = false;
// Not by the signal of the lease alone: a process that was frozen may write before it hears that its lease is over.
for (let left = 20; left > 0; left -= lease.lost.aborted ? 1 : 0) {
  try {
    await store.updateBatchOf(run, { currentStage: `run ${run.run}` });
    await results.saveAnswers(run, "call", [answer]);
  } catch (error) {
    if (!(error instanceof RunSupersededError)) throw error;
    refused += 1;
  }
  if (await logger.fileError("stt", "a.wav", { error: `run ${run.run}` })) console.log(begun ? "logged" : "begun");
  begun = true;
  await pause(20);
}
await logger.close(20_000);
await lease.release("interrupted");
await database.close();
console.log(JSON.stringify({ lost: lease.lost.aborted, refused }));
