/**
 * The pipeline's side of a scenario, in a process of its own. Logs at a steady rate and says on standard output, line by
 * line, which events were acknowledged. `drain` on standard input ends it; its last line is what it measured. Arguments:
 * database url, spool folder, batch id, events a second.
 */
import { createInterface } from "node:readline";
import { openDatabase } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";

const [, , url = "", spoolDir = "", batch = "", rate = ""] = process.argv;
const database = await openDatabase(url, { queryTimeoutMs: 2_000 });
const logger = await EventLogger.open({ batchId: Number(batch), spoolDir, store: new Store(database) });
const TICK_MS = 10;
const PER_TICK = Math.max(1, Math.round((Number(rate) * TICK_MS) / 1_000));
const payload = { text: "p".repeat(1_000) };
const response = { text: "r".repeat(4_000) };
/** @type {number[]} */
const latencies = [];
let number = 0;
let rssAtStart = 0;
let rssMost = 0;
let threw = 0;

// A clock that somebody sets while the pipeline runs.
const RealDate = Date;
let shiftMs = 0;
globalThis.Date = /** @type {DateConstructor} */ (
  new Proxy(RealDate, {
    construct: (target, args) =>
      args.length === 0 ? new target(target.now() + shiftMs) : Reflect.construct(target, args),
    get: (target, key) => (key === "now" ? () => target.now() + shiftMs : Reflect.get(target, key)),
  })
);

const ticking = setInterval(() => {
  for (let n = 0; n < PER_TICK; n++) {
    const name = String(number++);
    const asked = performance.now();
    try {
      void logger.fileComplete("stt", name, { payload, response }).then(() => {
        latencies.push(performance.now() - asked);
        return process.stdout.write(`${name}\n`);
      });
    } catch {
      threw += 1;
    }
  }
}, TICK_MS);
const watching = setInterval(() => {
  const { rss } = process.memoryUsage();
  rssMost = Math.max(rssMost, rss);
}, 100);

for await (const line of createInterface({ input: process.stdin })) {
  const [command, value] = line.split(" ");
  if (command === "clock") {
    shiftMs = Number(value);
  }
  if (command === "baseline") rssAtStart = process.memoryUsage().rss;
  if (command === "drain") break;
}
clearInterval(ticking);
const started = performance.now();
await logger.drain();
const drainMs = performance.now() - started;
clearInterval(watching);
await logger.close();
await database.close();
const sorted = latencies.toSorted((a, b) => a - b);
/** @param {number} share */
const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const figures = {
  logged: number,
  threw,
  drainMs,
  p50: at(0.5),
  p99: at(0.99),
  max: sorted.at(-1) ?? 0,
  growthMb: (rssMost - rssAtStart) / 1e6,
};
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
