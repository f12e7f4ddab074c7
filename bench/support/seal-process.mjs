/** Seals a batch, or verifies its seals, in a process of its own, and says how long it took and how much memory. */
import { openDatabase } from "@cofi/event-log/database";
import { sealEndsIn, SigningKey, trustedKeys } from "@cofi/evidence/seal-keys";
import { Sealer } from "@cofi/evidence/sealer";
import { verifySeals } from "@cofi/evidence/verify-seals";

const [url = "", folder = "", what] = process.argv.slice(2);
const database = await openDatabase(url);
const before = process.resourceUsage().maxRSS;
const started = performance.now();
if (what === "seal") await new Sealer(database, new SigningKey(folder)).seal({ batchId: 1, run: 1 });
else {
  /** @param {{ says: string }} fault */
  const onFault = ({ says }) => {
    throw new Error(says);
  };
  await verifySeals(database, { keys: trustedKeys(folder), ends: sealEndsIn(folder), onFault });
}
const ms = performance.now() - started;
const mb = (process.resourceUsage().maxRSS - before) / 1_024;
await database.close();
console.log(JSON.stringify({ ms, mb }));
