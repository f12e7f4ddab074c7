/** The tail on servers that give out ids in steps, as Galera, group replication and rings of servers do. */
import { createConnection, type Connection, type ResultSetHeader } from "mysql2/promise";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Store } from "@cofi/event-log/store";
import { Tail } from "@cofi/views/tail";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

let fresh: FreshDatabase;
let tail: Tail;
let batchId: number;
/** Ids as the tail gave them. */
let heard: number[];
let warnings: string[];
const nodes: Connection[] = [];

beforeEach(async () => {
  fresh = await freshDatabase("mysql");
  const store = new Store(fresh.database);
  ({ id: batchId } = await store.createBatch({ name: "night", folder: null }));
  start();
});
afterEach(async () => {
  await tail.stop();
  for (const connection of nodes.splice(0)) await connection.end();
  await fresh.close();
});

/** Starts a tail in the place of the one before. */
function start(): void {
  heard = [];
  warnings = [];
  const warn = (_details: object, message: string): number => warnings.push(message);
  tail = new Tail(new Store(fresh.database), {
    pollMs: 5,
    idlePollMs: 20,
    longestTransactionMs: 60_000,
    queryTimeoutMs: 60_000,
    logger: { info: () => undefined, warn, error: warn },
  });
  tail.listen({ events: (events) => heard.push(...events.map(({ id }) => id)) });
  tail.start();
}

/** A connection that is given ids as a node of a cluster is. */
async function node(step: number, offset: number): Promise<Connection> {
  const connection = await createConnection({ uri: fresh.url });
  await set(connection, step, offset);
  nodes.push(connection);
  return connection;
}

async function set(connection: Connection, step: number, offset: number): Promise<void> {
  await connection.query(`SET SESSION auto_increment_increment = ${step}, SESSION auto_increment_offset = ${offset}`);
}

/** @returns the id of the first row */
async function write(connection: Connection, rows = 1): Promise<number> {
  const values = Array.from({ length: rows }, () => `(${batchId}, 'stt', 'info')`).join(", ");
  const [{ insertId }] = await connection.query<ResultSetHeader>(
    `INSERT INTO batchExecutionLog (batchId, stage, eventType) VALUES ${values}`,
  );
  return insertId;
}

async function stored(): Promise<number[]> {
  const rows = await fresh.database.kysely.selectFrom("batchExecutionLog").select("id").orderBy("id").execute();
  return rows.map(({ id }) => id);
}

/** Expects that every event was heard once, and that the tail waits for none. */
async function expectCaughtUp(): Promise<void> {
  const ids = await stored();
  await expect.poll(() => heard.length).toBeGreaterThanOrEqual(ids.length);
  await tail.refresh();
  expect(heard.toSorted((a, b) => a - b)).toEqual(ids);
  expect({ lowWater: tail.lowWater, openHoles: tail.openHoles }).toEqual({ lowWater: ids.at(-1), openHoles: 0 });
  expect(warnings).toEqual([]);
}

test("a transaction that holds every other id, on a log that is slow, is heard once and to the end", async () => {
  const now = performance.now.bind(performance);
  let later = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + later);
  try {
    await tail.refresh();
    const [writer, slow] = [await node(1, 1), await node(1, 1)];
    await write(writer, 1_009);
    await tail.refresh();
    later = 61_000;
    await slow.beginTransaction();
    for (let n = 0; n < 20; n++) {
      await write(slow);
      await write(writer);
      await tail.refresh();
    }
    await slow.commit();
    await expectCaughtUp();
  } finally {
    clock.mockRestore();
  }
});

const steps = Array.from({ length: 8 }, (_, index) => index + 2);

describe("one node writes", () => {
  test.each(steps)("in steps of %i, at each offset", async (step) => {
    await tail.refresh();
    for (let offset = 1; offset <= step; offset++) {
      const writer = await node(step, offset);
      for (let n = 0; n < 8; n++) await write(writer);
      for (let n = 0; n < 4; n++) await write(writer, 25);
    }
    await expectCaughtUp();
  });

  test("before the tail begins", async () => {
    const writer = await node(5, 3);
    for (let n = 0; n < 20; n++) await write(writer, 10);
    await tail.stop();
    start();
    await tail.refresh();
    expect({ lowWater: tail.lowWater, openHoles: tail.openHoles }).toEqual({
      lowWater: (await stored()).at(-1),
      openHoles: 0,
    });
  });

  test("an id of its own that is missing is waited for, and passed on when it comes", async () => {
    await tail.refresh();
    const [writer, late] = [await node(3, 2), await node(3, 2)];
    await write(writer, 25);
    await late.beginTransaction();
    const id = await write(late);
    for (let n = 0; n < 10; n++) await write(writer, n + 1);
    await expect.poll(() => heard.length).toBe(80);
    expect({ lowWater: tail.lowWater, openHoles: tail.openHoles }).toEqual({ lowWater: id - 1, openHoles: 1 });
    await late.commit();
    await expect.poll(() => heard).toContain(id);
    await expectCaughtUp();
  });
});

describe("several nodes write at once", () => {
  test.each(steps)(
    "in steps of %i, with offsets of their own, each in bursts and transactions of its own",
    async (step) => {
      await tail.refresh();
      const writers = await Promise.all(Array.from({ length: step }, (_, index) => node(step, index + 1)));
      await write(writers[0]!);
      await Promise.all(
        writers.map(async (writer, index) => {
          for (let n = 0; n < 12; n++) {
            if ((n + index) % 4 === 0) {
              await writer.beginTransaction();
              await write(writer);
              await write(writer, 1 + ((n * 7) % 25));
              await writer.commit();
            } else await write(writer, n % 3 === 0 ? 1 : 10);
          }
        }),
      );
      await expectCaughtUp();
    },
  );

  test("an event that one of them commits long after the others have gone on arrives once", async () => {
    await tail.refresh();
    const writers = await Promise.all([1, 2, 3].map((offset) => node(3, offset)));
    const late = await node(3, 2);
    for (const writer of writers) await write(writer, 25);
    await late.beginTransaction();
    const id = await write(late);
    for (let n = 0; n < 30; n++) await write(writers[n % 3]!, 25);
    await expect.poll(() => heard.length).toBe(33 * 25);
    await late.commit();
    await expect.poll(() => heard).toContain(id);
    await expectCaughtUp();
  });

  test("one begins to write, and its first event is committed after later ones of the others", async () => {
    await tail.refresh();
    const [writer, other] = [await node(7, 1), await node(7, 4)];
    for (let n = 0; n < 10; n++) await write(writer, 10);
    await other.beginTransaction();
    const id = await write(other);
    for (let n = 0; n < 100; n++) await write(writer, 25);
    await expect.poll(() => heard.length).toBe(2_600);
    await other.commit();
    await expect.poll(() => heard).toContain(id);
    await expectCaughtUp();
  });
});

test("the step changes, as it does when nodes come and go", async () => {
  await tail.refresh();
  const [writer, late] = [await node(1, 1), await node(1, 1)];
  for (const step of [1, 3, 4, 2, 1, 9, 1]) {
    await set(writer, step, step);
    for (let n = 0; n < 30; n++) await write(writer, 20);
    await expect.poll(() => heard.length).toBe((await stored()).length);
  }
  await expectCaughtUp();
  // At a step of one each missing id is waited for.
  await late.beginTransaction();
  const id = await write(late);
  await write(writer, 20);
  await expect.poll(() => tail.highest).toBeGreaterThan(id);
  expect({ lowWater: tail.lowWater, openHoles: tail.openHoles }).toEqual({ lowWater: id - 1, openHoles: 1 });
  await late.commit();
  await expect.poll(() => heard).toContain(id);
  await expectCaughtUp();
});

test("so many ids are missing that they cannot all be remembered, and one warning says so", async () => {
  await tail.refresh();
  const writer = await node(1, 1);
  let id = 1;
  const rows = (): string[] =>
    Array.from({ length: 1_000 }, () => `(${(id += 2 + (id % 3))}, ${batchId}, 'stt', 'info')`);
  for (let n = 0; n < 60; n++)
    await writer.query(`INSERT INTO batchExecutionLog (id, batchId, stage, eventType) VALUES ${rows().join(", ")}`);
  await expect.poll(() => heard.length).toBe(60_000);
  await tail.refresh();
  expect(warnings.length).toBeLessThanOrEqual(1);
});
