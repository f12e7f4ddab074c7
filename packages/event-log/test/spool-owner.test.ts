/** A spool belongs to a database: what was logged for another one is refused with a sentence, kept, and shipped by its own. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventLogger, shipLeftovers, type EventLoggerOptions } from "@cofi/event-log/event-logger";
import { Spool } from "@cofi/event-log/spool";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { storedEvent } from "./stored-event.js";

type Sink = EventLoggerOptions["store"];

const refusedInserts = (): Promise<never> => Promise.reject(Object.assign(new Error("down"), { code: "ECONNREFUSED" }));
/** A database that never answered, and that the logger knows nothing of. */
const UNKNOWN: Sink = { insertEvents: refusedInserts };
const DOWN: Sink = { insertEvents: refusedInserts, identityOf: refusedInserts };

describe.each(DIALECTS)("spools of %s", (dialect) => {
  let here: FreshDatabase;
  let there: FreshDatabase;
  let store: Store;
  let other: Store;
  let spoolDir: string;
  const problems: string[] = [];
  const onProblem = ({ message }: { message: string }): void => void problems.push(message);
  beforeEach(async () => {
    problems.length = 0;
    [here, there] = await Promise.all([freshDatabase(dialect), freshDatabase(dialect)]);
    store = new Store(here.database);
    other = new Store(there.database);
    spoolDir = await mkdtemp(join(tmpdir(), "cofi-owner-"));
  });
  afterEach(async () => {
    await Promise.all([here.close(), there.close()]);
    await rm(spoolDir, { recursive: true, force: true });
  });

  /** Knows which database it is, and stores nothing. */
  const full = (of: Store): Sink => ({ insertEvents: refusedInserts, identityOf: (batchId) => of.identityOf(batchId) });

  async function leave(sink: Sink, names: readonly string[], run?: number): Promise<void> {
    const logger = await EventLogger.open({ batchId: 1, run, spoolDir, store: sink });
    for (const name of names) await logger.fileStart("stt", name, { payload: { name } });
    expect(await logger.close(0)).toMatchObject({ lost: 0 });
  }
  async function namesIn(of: Store): Promise<(string | null)[]> {
    return (await of.events(1, { limit: 100 })).events.map(({ fileName }) => fileName).toReversed();
  }
  const files = (): string[] => readdirSync(spoolDir).filter((name) => name.endsWith(".spool"));

  test("leftovers of another database are refused and kept, the batch of the same number goes on, its own run ships them", async () => {
    await store.createBatch({ name: "staging", folder: null });
    await leave(full(store), ["a", "b", "c"]);
    await other.createBatch({ name: "production", folder: null });
    expect(await shipLeftovers(spoolDir, other, onProblem)).toEqual({ shipped: 0, spools: 0, refused: 3 });
    expect(problems.splice(0)).toEqual([
      expect.stringMatching(
        /^3 events that an earlier process left for batch 1 cannot be stored here: they are of the batch created at 20\S+Z in database [\w-]{32,36}, and this is the batch created at 20\S+Z in database [\w-]{32,36}\. They are kept in .*batch-1\.0{14}1\.spool\. Run Cofi with the database that they belong to, and it stores them; if there is none any more, delete these files\.$/,
      ),
    ]);

    // The other batch 1 logs into the same folder, and leaves something itself.
    const logger = await EventLogger.open({ batchId: 1, spoolDir, store: other, onProblem });
    await logger.fileStart("stt", "production", { payload: 1 });
    expect(await logger.drain(20_000)).toBe(true);
    expect(await logger.close()).toEqual({ unshipped: 0, lost: 0 });
    expect(problems.splice(0)).toEqual([
      expect.stringMatching(/3 events .* They are kept in .*batch-1-aside-\w+\.0{14}1\.spool/),
    ]);
    expect(files()).toEqual([expect.stringMatching(/^batch-1-aside-\w+\.000000000000001\.spool$/)]);
    await leave(full(other), ["later"]);

    expect(await shipLeftovers(spoolDir, store, onProblem)).toEqual({ shipped: 3, spools: 1, refused: 1 });
    expect(await shipLeftovers(spoolDir, other, onProblem)).toEqual({ shipped: 1, spools: 1, refused: 0 });
    expect(await namesIn(store)).toEqual(["a", "b", "c"]);
    expect(await namesIn(other)).toEqual(["production", "later"]);
    expect(readdirSync(spoolDir)).toEqual([]);
  });

  test("a batch that was given the number again is another batch", async () => {
    const batch = await store.createBatch({ name: "before the restore", folder: null });
    await leave(full(store), ["a"]);
    await here.database.kysely
      .updateTable("batchStatus")
      .set({ createdAt: "2026-11-20 01:02:03.004" })
      .where("id", "=", batch.id)
      .execute();
    expect(await shipLeftovers(spoolDir, store, onProblem)).toEqual({ shipped: 0, spools: 0, refused: 1 });
    expect(problems).toEqual([expect.stringContaining("this is the batch created at 2026-11-20T01:02:03.004Z")]);
    expect(await namesIn(store)).toEqual([]);
  });

  test("a batch that the database does not have: kept", async () => {
    await leave(UNKNOWN, ["a"]);
    expect(await shipLeftovers(spoolDir, store, onProblem)).toEqual({ shipped: 0, spools: 0, refused: 1 });
    expect(problems).toEqual([expect.stringContaining("this database has no batch of that number")]);
    expect(files()).toHaveLength(1);
  });

  test.each([
    ["unknown", UNKNOWN],
    ["away", DOWN],
  ])(
    "a database that stayed %s: its leftovers go to the batch that was there before them, to no later one",
    async (_, sink) => {
      await store.createBatch({ name: "night", folder: null });
      await leave(sink, ["a", "b"]);
      await expect.poll(() => Date.now()).toBeGreaterThan(Date.now());
      await other.createBatch({ name: "later", folder: null });
      expect(await shipLeftovers(spoolDir, other, onProblem)).toEqual({ shipped: 0, spools: 0, refused: 2 });
      expect(problems).toEqual([
        expect.stringMatching(/they were logged at 20\S+ \S+ UTC, and the batch .* was created later, at 20\S+Z/),
      ]);
      expect(await shipLeftovers(spoolDir, store)).toEqual({ shipped: 2, spools: 1, refused: 0 });
      expect(await namesIn(store)).toEqual(["a", "b"]);
    },
  );

  test("a database that comes back says whose the spool is: also for what was logged before", async () => {
    await store.createBatch({ name: "night", folder: null });
    let isAway = true;
    const insertEvents = refusedInserts;
    const identityOf = (id: number) => (isAway ? refusedInserts() : store.identityOf(id));
    const logger = await EventLogger.open({ batchId: 1, spoolDir, store: { insertEvents, identityOf }, onProblem });
    await logger.fileStart("stt", "a", { payload: 1 });
    isAway = false;
    await expect.poll(() => readFileSync(join(spoolDir, files()[0]!), "latin1")).toContain(await store.identityOf(1));
    await logger.close(0);
    await other.createBatch({ name: "other", folder: null });
    expect(await shipLeftovers(spoolDir, other)).toMatchObject({ refused: 1 });
    expect(await shipLeftovers(spoolDir, store)).toMatchObject({ shipped: 1, refused: 0 });
  });

  test("what the version before left is read and shipped, also where some of it was confirmed", async () => {
    await store.createBatch({ name: "night", folder: null });
    const spool = Spool.open(spoolDir, 1);
    const timestamp = new Date(Date.now() + 1_000).toISOString().replace("T", " ").replace("Z", "");
    spool.append(["a", "b", "c"].map((name) => storedEvent({ fileName: name, eventId: `event-${name}`, timestamp })));
    spool.close();
    const path = join(spoolDir, files()[0]!);
    const content = readFileSync(path);
    const line = "cofi spool 1, confirmed to 000000000000001";
    const label = Buffer.from(`${line} ${crc32(line).toString(16).padStart(8, "0")}\n`);
    writeFileSync(path, Buffer.concat([label, content.subarray(content.indexOf("\n") + 1)]));
    expect(await shipLeftovers(spoolDir, store, onProblem)).toEqual({ shipped: 2, spools: 1, refused: 0 });
    expect(await namesIn(store)).toEqual(["b", "c"]);
    expect([problems, readdirSync(spoolDir)]).toEqual([[], []]);
  });

  test("leftovers of run 1 go before what run 2 logs into the same spool: the ids are in the order of the runs", async () => {
    await store.createBatch({ name: "night", folder: null });
    await leave(full(store), ["a", "b"], 1);
    await leave(full(store), ["c"], 1);
    const logger = await EventLogger.open({ batchId: 1, run: 2, spoolDir, store });
    await logger.fileStart("stt", "d", { payload: 1 });
    expect(await logger.close()).toEqual({ unshipped: 0, lost: 0 });
    const { events } = await store.events(1, { limit: 10 });
    expect(events.map(({ fileName, run }) => [fileName, run]).toReversed()).toEqual([
      ["a", 1],
      ["b", 1],
      ["c", 1],
      ["d", 2],
    ]);
  });
});
