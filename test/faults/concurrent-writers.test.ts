/** Many writers with transactions of any length: what the stream delivers is what was committed, each row once. */
import { setTimeout as pause } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Feed, run, until, type Running } from "../../packages/dashboard/test/dashboard-support.js";

/** `npm run faults` writes a million. */
const ROWS = process.env["COFI_FAULT_ROUNDS"] === undefined ? 20_000 : 1_000_000;
const WRITERS = 16;
const ROWS_A_STATEMENT = ROWS > 100_000 ? 25 : 5;
const ROLLED_BACK = 0.05;

let it: Running;
beforeEach(async () => {
  it = await run("mysql");
});
afterEach(() => it.close());

test(
  `${WRITERS} writers, transactions up to 10 ms, 5 % rolled back, ${ROWS} rows`,
  { timeout: 1_200_000 },
  async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const feed = await new Feed(`${it.url}/api/stream?batch=${batch.id}`).ready();
    const values = Array.from({ length: ROWS_A_STATEMENT }, () => "(?, 'stt', 'info')").join(", ");
    const statement = `INSERT INTO batchExecutionLog (batchId, stage, eventType) VALUES ${values}`;
    const parameters = Array.from({ length: ROWS_A_STATEMENT }, () => batch.id);
    let written = 0;
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        const connection = await createConnection({ uri: it.fresh.url });
        while (written < ROWS) {
          written += ROWS_A_STATEMENT;
          await connection.beginTransaction();
          await connection.query(statement, parameters);
          await pause(Math.random() * 10);
          if (Math.random() < ROLLED_BACK) await connection.rollback();
          else await connection.commit();
        }
        await connection.end();
      }),
    );
    const { rows } = await it.fresh.database.kysely.executeQuery<{ id: number }>(
      it.fresh.database.kysely.selectFrom("batchExecutionLog").select("id").where("batchId", "=", batch.id).compile(),
    );
    await until(() => feed.ids.length >= rows.length, "all rows", 120_000);
    feed.close();
    const delivered = new Set(feed.ids);
    const missed = rows.filter(({ id }) => !delivered.has(id)).length;
    const doubled = feed.ids.length - delivered.size;
    console.log(
      `${WRITERS} writers: ${written} inserted, ${rows.length} committed, ${delivered.size} delivered, ${missed} missed, ${doubled} doubled`,
    );
    expect({ missed, doubled, extra: delivered.size - rows.length }).toEqual({ missed: 0, doubled: 0, extra: 0 });
  },
);
