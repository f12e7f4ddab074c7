/**
 * What a killed process leaves in its spool: it is of an older run when another host has taken the batch over meanwhile, or of
 * another database than the one that the next process is given. `npm run faults` does each a hundred times.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { createConnection } from "mysql2/promise";
import { afterEach, beforeEach, expect, test } from "vitest";
import { shipLeftovers } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";
import { freshDatabase, type FreshDatabase } from "../support/databases.js";
import { faultRounds, reportFault } from "../support/fault-row.js";
import { shown, takeOver } from "./second-run.js";

const ROUNDS = faultRounds(2);
const TIMEOUT = { timeout: 180_000 + ROUNDS * 40_000 };
const HOLDER = fileURLToPath(new URL("lease-holder.mjs", import.meta.url));
const WRITER = fileURLToPath(new URL("writer.mjs", import.meta.url));

let folder: string;
let fresh: FreshDatabase;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-left-"));
  fresh = await freshDatabase("mysql");
});
afterEach(async () => {
  await fresh.close();
  await rm(folder, { recursive: true, force: true });
});

/**
 * Kills a writer while the database takes no events from it.
 * @returns the lines in which it said what was acknowledged
 */
async function killedWithLeftovers(script: string, args: readonly string[], spoolDir: string): Promise<string[]> {
  const writer = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const said: string[] = [];
  const lines = createInterface({ input: writer.stdout }).on("line", (line) => said.push(line));
  const admin = await createConnection({ uri: fresh.url });
  try {
    await once(lines, "line");
    await pause(Math.random() * 300);
    await admin.query("RENAME TABLE batchExecutionLog TO logOutOfReach");
    const [bytes, known] = [bytesIn(spoolDir), said.length];
    await expect.poll(() => bytesIn(spoolDir) > bytes && said.length > known + 10, { interval: 5 }).toBe(true);
    writer.kill("SIGKILL");
    await once(writer, "close");
    await admin.query("RENAME TABLE logOutOfReach TO batchExecutionLog");
    return said;
  } finally {
    writer.kill("SIGKILL");
    await admin.end();
  }
}

function bytesIn(spoolDir: string): number {
  return readdirSync(spoolDir).reduce((sum, file) => sum + statSync(join(spoolDir, file)).size, 0);
}

test(
  `${ROUNDS} times, what a killed run left is shipped after another run has ended, and changes nothing`,
  TIMEOUT,
  async () => {
    const store = new Store(fresh.database);
    const sums = { acknowledged: 0, late: 0, lost: 0, changed: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const spools = join(folder, String(round));
      const spoolDir = join(spools, "first");
      const { id } = await store.createBatch({ name: "night", folder: null });
      const said = await killedWithLeftovers(HOLDER, [fresh.url, String(id), spoolDir, "300"], spoolDir);
      await takeOver(fresh, id, spools);
      const before = await shown(store, id);
      const head = await store.maxEventId();
      const { refused } = await shipLeftovers(spoolDir, store);
      const { rows } = await sql<{ inAll: number; late: number }>`
      SELECT count(*) AS inAll, coalesce(sum(id > ${head}), 0) AS late
      FROM batchExecutionLog WHERE batchId = ${id} AND run = 1`.execute(fresh.database.kysely);
      sums.acknowledged += said.length;
      sums.late += Number(rows[0]?.late);
      sums.lost += refused + Math.max(0, said.length - Number(rows[0]?.inAll));
      sums.changed += Number(JSON.stringify(await shown(store, id)) !== JSON.stringify(before));
    }
    await reportFault(
      "leftovers",
      `leftovers after ${ROUNDS} takeovers: ${sums.acknowledged} events acknowledged, ${sums.late} of them shipped late, ` +
        `${sums.lost} lost, ${sums.changed} cards or checkpoints changed`,
    );
    expect(sums).toMatchObject({ lost: 0, changed: 0 });
    expect(sums.late).toBeGreaterThan(0);
  },
);

test(
  `${ROUNDS} times, what was logged for one database is refused by another and stored by its own`,
  TIMEOUT,
  async () => {
    const other = await freshDatabase("mysql");
    const sums = { acknowledged: 0, refused: 0, misplaced: 0, lost: 0, doubled: 0 };
    try {
      const [store, otherStore] = [new Store(fresh.database), new Store(other.database)];
      for (let round = 0; round < ROUNDS; round++) {
        const spoolDir = join(folder, String(round));
        const [{ id }, { id: same }] = [
          await store.createBatch({ name: "production", folder: null }),
          await otherStore.createBatch({ name: "staging", folder: null }),
        ];
        expect(same).toBe(id);
        const args = [fresh.url, spoolDir, String(id), "1000", "log"];
        const acknowledged = new Set(await killedWithLeftovers(WRITER, args, spoolDir));
        const { refused } = await shipLeftovers(spoolDir, otherStore);
        const misplaced = await namesIn(other, id);
        await shipLeftovers(spoolDir, store);
        const stored = await namesIn(fresh, id);
        const known = new Set(stored);
        sums.acknowledged += acknowledged.size;
        sums.refused += refused;
        sums.misplaced += misplaced.length;
        sums.lost += [...acknowledged].filter((name) => !known.has(name)).length;
        sums.doubled += stored.length - known.size;
      }
    } finally {
      await other.close();
    }
    await reportFault(
      "wrong-database",
      `wrong database, ${ROUNDS} times: ${sums.acknowledged} events acknowledged, ${sums.refused} refused by the other database, ` +
        `${sums.misplaced} stored there, ${sums.lost} lost, ${sums.doubled} doubled`,
    );
    expect(sums).toMatchObject({ misplaced: 0, lost: 0, doubled: 0 });
    expect(sums.refused).toBeGreaterThan(0);
  },
);

async function namesIn({ database }: FreshDatabase, batchId: number): Promise<(string | null)[]> {
  const select = database.kysely.selectFrom("batchExecutionLog").select("fileName").where("batchId", "=", batchId);
  return (await select.execute()).map(({ fileName }) => fileName);
}
