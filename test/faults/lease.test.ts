/**
 * A host that is frozen past its lease, or cut off, is not alone in the world: another one takes the batch over. When the first
 * wakes up, nothing that it writes may count. `npm run faults` does it a hundred times.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EventLogger } from "@cofi/event-log/event-logger";
import { Store, type Run } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { sqlSnapshot } from "@cofi/views/sql-cards";
import { freshDatabase, type FreshDatabase } from "../support/databases.js";

const ROUNDS = Number(process.env["COFI_FAULT_ROUNDS"] ?? 2);
const LEASE_MS = 300;
const HOLDER = fileURLToPath(new URL("lease-holder.mjs", import.meta.url));
const FACTS = { owner: "second host", leaseMs: 60_000, version: "0.0.0", configuration: null };

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
    const row =
      `${ROUNDS} takeovers, ${sums.refused} writes of the older run refused, ${sums.staleWrites} accepted; ` +
      `${sums.late} late events, ${sums.changedCards} cards or checkpoints changed`;
    console.log(row);
    if (process.env["COFI_FAULT_ROUNDS"] !== undefined) {
      await mkdir("test-results", { recursive: true });
      await appendFile("test-results/faults-lease.md", `${row}\n`);
    }
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
    let run: Run | null = null;
    // One that was frozen in the middle of a transaction keeps its locks until the server ends it.
    const begin = (): Promise<Run | null> => store.beginRun(batch.id, FACTS).catch(() => null);
    await expect.poll(async () => (run ??= await begin()), { timeout: 120_000 }).not.toBeNull();
    const second = run as unknown as Run;
    const logger = await EventLogger.open({
      batchId: batch.id,
      run: second.run,
      spoolDir: join(spools, "second"),
      store,
    });
    await store.updateBatchOf(second, { currentStage: "run 2" });
    const answer = { questionId: "q", answer: "NO", confidence: 1, evidence: [], rationale: "run 2" };
    await results.saveAnswers(second, "call", [answer]);
    await logger.fileStart("stt", "a.wav", { payload: {} });
    await logger.fileComplete("stt", "a.wav", { response: { text: "run 2" } });
    await logger.close();
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

/** The cards and the checkpoint, as they are now. */
async function shown(store: Store, batchId: number) {
  const batch = (await store.batch(batchId))!;
  const { stages } = await sqlSnapshot(store, batch, await store.maxEventId(), 5, "");
  return { stages, completed: [...(await store.completedFiles(batchId, "stt")).keys()] };
}
