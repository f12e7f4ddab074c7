/** What spools keep of batches that retention has removed goes; what is of others stays. */
import { appendFileSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeSpoolFiles } from "@cofi/event-log/event-logger";
import { prune } from "@cofi/event-log/retention";
import { Spool } from "@cofi/event-log/spool";
import { Store } from "@cofi/event-log/store";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { storedEvent } from "./stored-event.js";

const DAY = 86_400_000;
const OTHER = "another-database 2026-01-01T00:00:00.000Z";

let folder: string;
let fresh: FreshDatabase;
let store: Store;
let identity: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-spool-retention-"));
  fresh = await freshDatabase("sqlite");
  store = new Store(fresh.database);
  await batchOf(400);
  await batchOf(0);
  identity = (await store.identityOf(1)) ?? "";
});
afterEach(async () => {
  await fresh.close();
  await rm(folder, { recursive: true, force: true });
});

async function batchOf(days: number): Promise<void> {
  const { id } = await store.createBatch({ name: "night", folder: null });
  const then = new Date(Date.now() - days * DAY).toISOString().replace("T", " ").replace("Z", "");
  const values = { status: "completed" as const, createdAt: then, finishedAt: then };
  await fresh.database.kysely.updateTable("batchStatus").set(values).where("id", "=", id).execute();
  await store.insertEvents([storedEvent({ batchId: id, timestamp: then, eventId: `${id}`, payload: "{}" })]);
}

const clear = () => removeSpoolFiles(folder, (batchId) => store.removedBatch(batchId));
const files = (): string[] => readdirSync(folder).toSorted();

/** One event that waits, one that was refused, and a damaged file. */
function leave(of: string | null, name: string): void {
  const event = (kind: string) => storedEvent({ eventId: `${name} ${kind}`, payload: `"${name} ${kind}"` });
  const damaged = Spool.open(folder, 1, { identity: of, name: `batch-1-aside-${name}` });
  damaged.append([event("damaged")]);
  damaged.close();
  const [file = ""] = files().filter((one) => one.startsWith(`batch-1-aside-${name}.`));
  renameSync(join(folder, file), join(folder, `${file}.damaged`));
  const spool = Spool.open(folder, 1, { identity: of, name: `batch-1-aside-${name}` });
  spool.append([event("waiting"), event("refused")]);
  spool.reject(spool.oldest(2, 1_000)[1]!, "a reason");
  spool.close();
}

test("with the payloads: damaged files and refused events; with the batch: events that wait, too", async () => {
  leave(identity, "a");
  leave(OTHER, "b");
  leave(null, "c");
  expect(await clear()).toEqual({ files: 0, inUse: [] });
  await prune(fresh.database, { keepPayloadsMs: DAY, keepEventsMs: null });
  expect(await clear()).toEqual({ files: 3, inUse: [] });
  expect(files()).toEqual([
    "batch-1-aside-a.000000000000001.spool",
    "batch-1-aside-b.000000000000001.spool",
    "batch-1-aside-b.000000000000001.spool.damaged",
    "batch-1-aside-c.000000000000001.spool",
    "batch-1.rejected.ndjson",
  ]);
  const rejected = readFileSync(join(folder, "batch-1.rejected.ndjson"), "utf8").trim().split("\n");
  expect(rejected.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ of: OTHER, reason: "a reason", payload: '"b refused"' }),
  ]);

  await prune(fresh.database, { keepPayloadsMs: null, keepEventsMs: DAY });
  expect(await clear()).toEqual({ files: 2, inUse: [] });
  expect(files()).toEqual([
    "batch-1-aside-b.000000000000001.spool",
    "batch-1-aside-b.000000000000001.spool.damaged",
    "batch-1.rejected.ndjson",
  ]);
});

test("what does not say whose it is and is older than the batch is of another one, and stays", async () => {
  const early = storedEvent({ eventId: "early", timestamp: "2020-01-01 00:00:00.000", payload: "{}" });
  const spool = Spool.open(folder, 1);
  spool.append([early]);
  spool.reject(spool.oldest(1, 1_000)[0]!, "a reason");
  spool.close();
  await prune(fresh.database, { keepPayloadsMs: null, keepEventsMs: DAY });
  expect(await clear()).toEqual({ files: 0, inUse: [] });
  expect(files()).toHaveLength(2);
});

test("a line that was cut off goes with the others; a spool that is in use is left to the next time", async () => {
  const spool = Spool.open(folder, 1, { identity });
  spool.append([storedEvent({ eventId: "refused" })]);
  spool.reject(spool.oldest(1, 1_000)[0]!, "a reason");
  appendFileSync(join(folder, "batch-1.rejected.ndjson"), '{"reason":"cut off he');
  await prune(fresh.database, { keepPayloadsMs: DAY, keepEventsMs: null });
  expect(await clear()).toEqual({ files: 0, inUse: [join(folder, "batch-1.rejected.ndjson")] });
  spool.confirm(spool.lastSeq);
  spool.close();
  expect(await clear()).toEqual({ files: 1, inUse: [] });
  expect(files()).toEqual([]);
});
