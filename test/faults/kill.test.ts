/** SIGKILL at random points: what was acknowledged is stored, and stored once. `npm run faults` does it a hundred times. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../support/databases.js";
import { faultRounds, reportFault } from "../support/fault-row.js";

const ROUNDS = faultRounds(4);
const EVENTS_A_SECOND = 1_000;
const WRITER = fileURLToPath(new URL("writer.mjs", import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-kill-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each(DIALECTS)("a writer on %s", (dialect) => {
  let fresh: FreshDatabase;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
  });
  afterEach(() => fresh.close());

  function write(batchId: number, mode: "log" | "drain", durability: string) {
    const args = [WRITER, fresh.url, folder, String(batchId), String(EVENTS_A_SECOND), mode, durability];
    return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  }

  test.each(["process", "power"])(
    `killed ${ROUNDS} times at ${EVENTS_A_SECOND} events/s loses nothing it acknowledged and doubles nothing, durability %s`,
    { timeout: 60_000 + ROUNDS * 10_000 },
    async (durability) => {
      const batch = await new Store(fresh.database).createBatch({ name: "killed", folder: null });
      const acknowledged = new Set<string>();
      for (let round = 0; round < ROUNDS; round++) {
        const writer = write(batch.id, "log", durability);
        let rest = "";
        writer.stdout.setEncoding("utf8").on("data", (text: string) => {
          const lines = (rest + text).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) acknowledged.add(line);
        });
        const early = once(writer, "close").then(([code]) => {
          throw new Error(`The writer ended by itself with ${code}.`);
        });
        await Promise.race([once(writer.stdout, "data"), early]);
        early.catch(() => undefined);
        await pause(Math.random() * 500);
        writer.kill("SIGKILL");
        await once(writer, "close");
      }
      const last = write(batch.id, "drain", durability);
      expect(await once(last, "close")).toEqual([0, null]);

      const { rows } = await sql<{ fileName: string; copies: number }>`
      SELECT fileName, count(*) AS copies FROM batchExecutionLog WHERE batchId = ${batch.id} GROUP BY fileName`.execute(
        fresh.database.kysely,
      );
      const stored = new Map(rows.map(({ fileName, copies }) => [fileName, Number(copies)]));
      const lost = [...acknowledged].filter((name) => !stored.has(name));
      const doubled = [...stored].filter(([, copies]) => copies > 1);
      await reportFault(
        `kill-${dialect}-${durability}`,
        `${dialect}, durability ${durability}: ${ROUNDS} kills, ${acknowledged.size} acknowledged, ${stored.size} stored, ${lost.length} lost, ${doubled.length} doubled`,
      );
      expect({ lost, doubled }).toEqual({ lost: [], doubled: [] });
      expect(acknowledged.size).toBeGreaterThan(0);
    },
  );
});
