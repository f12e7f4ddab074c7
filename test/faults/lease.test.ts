/**
 * A host that is frozen past its lease, or cut off, is not alone in the world: another one takes the batch over. When the first
 * wakes up, nothing that it writes may count. `npm run faults` does it a hundred times.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { freshDatabase, type FreshDatabase } from "../support/databases.js";
import { faultRounds, reportFault } from "../support/fault-row.js";
import { shown, takeOver } from "./second-run.js";

const ROUNDS = faultRounds(2);
const LEASE_MS = 300;
const HOLDER = fileURLToPath(new URL("lease-holder.mjs", import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-lease-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An SQLite file has one host: a process that is frozen in the middle of a transaction keeps all others out of it. */
test(
  `frozen past its lease ${ROUNDS} times, a run writes nothing that counts`,
  { timeout: 180_000 + ROUNDS * 40_000 },
  async () => {
    const fresh = await freshDatabase("mysql");
    const sums = { refused: 0, late: 0, staleWrites: 0, changedCards: 0 };
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const found = await takeover(fresh, join(folder, String(round)));
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += found[name];
      }
    } finally {
      await fresh.close();
    }
    await reportFault(
      "lease",
      `${ROUNDS} takeovers, ${sums.refused} writes of the older run refused, ${sums.staleWrites} accepted; ` +
        `${sums.late} late events, ${sums.changedCards} cards or checkpoints changed`,
    );
    expect(sums).toMatchObject({ staleWrites: 0, changedCards: 0 });
    expect(sums.refused).toBeGreaterThan(0);
    expect(sums.late).toBeGreaterThan(0);
  },
);

async function takeover(fresh: FreshDatabase, spools: string) {
  const store = new Store(fresh.database);
  const results = new Results(fresh.database);
  const batch = await store.createBatch({ name: "night", folder: null });
  const args = [HOLDER, fresh.url, String(batch.id), join(spools, "first"), String(LEASE_MS)];
  const holder = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const lines = createInterface({ input: holder.stdout });
    const said: string[] = [];
    lines.on("line", (line) => said.push(line));
    await once(lines, "line");
    holder.kill("SIGSTOP");
    await takeOver(fresh, batch.id, spools);
    const before = await shown(store, batch.id);
    const head = await store.maxEventId();

    holder.kill("SIGCONT");
    await once(holder, "exit");
    const { refused } = JSON.parse(said.at(-1) ?? "{}") as { refused: number };
    const { currentStage } = (await store.batch(batch.id))!;
    const [stored] = await results.answers(batch.id);
    const staleWrites = Number(currentStage !== "run 2") + Number(stored?.rationale !== "run 2");
    const { rows } = await sql<{ late: number }>`SELECT count(*) AS late FROM batchExecutionLog
      WHERE batchId = ${batch.id} AND id > ${head} AND run = 1`.execute(fresh.database.kysely);
    const changedCards = Number(JSON.stringify(await shown(store, batch.id)) !== JSON.stringify(before));
    return { refused, staleWrites, changedCards, late: Number(rows[0]?.late) };
  } finally {
    holder.kill("SIGKILL");
  }
}
