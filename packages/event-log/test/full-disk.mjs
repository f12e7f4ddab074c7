// Logs under a limit of file size that its starter lifts later: `node full-disk.mjs <database url> <batch id> <spool folder>`.
import { openDatabase } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";

const [url, batchId, spoolDir] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const database = await openDatabase(url);
const logger = await EventLogger.open({
  batchId: Number(batchId),
  spoolDir,
  store: new Store(database),
  onProblem: ({ kind }) => say({ problem: kind }),
});
let acknowledged = 0;
for (let n = 0; n < 500; n++)
  void logger.fileComplete("stt", `${n}`, { response: "x".repeat(4_000) }).then(() => (acknowledged += 1));
let beats = 0;
const heart = setInterval(() => (beats += 1), 10);
const drained = await logger.drain(600);
say({ drained, acknowledged, beats: beats > 10 });
while (!(await logger.drain(1_000)));
clearInterval(heart);
say({ acknowledged, ...(await logger.close()) });
await database.close();
