/** Recordings that retention removes from hosts, beside runs that begin meanwhile. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EngineClient } from "@cofi/pipeline/engine-client";
import { removeRecordings } from "@cofi/pipeline/remove-recordings";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { Store } from "@cofi/event-log/store";
import { Holds } from "@cofi/evidence/holds";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

let fresh: FreshDatabase;
let store: Store;
let client: EngineClient;
let host: Server;
let place: { place: string; description: string };
/** Batches that the host was asked to forget, and what happens before it answers. */
let asked: number[];
let meanwhile: (batchId: number) => Promise<unknown>;
/** Bodies of requests to keep some, and what they are answered with. */
let kept: string[];
let status: number;
beforeEach(async () => {
  kept = [];
  status = 204;
  fresh = await freshDatabase("sqlite");
  store = new Store(fresh.database);
  client = new EngineClient(60_000);
  asked = [];
  meanwhile = () => Promise.resolve();
  host = createServer((request, response) => {
    const batchId = Number(request.url?.split("/")[2]);
    asked.push(batchId);
    void (async () => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      if (request.method === "POST") kept.push(body);
      await meanwhile(batchId);
      response.writeHead(status).end();
    })();
  }).listen(0, "127.0.0.1");
  await once(host, "listening");
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
  place = { place: url, description: url };
});
afterEach(async () => {
  await client.close();
  host.close();
  await fresh.close();
});

const begin = (batchId: number) =>
  store.beginRun(batchId, { owner: `run of ${batchId}`, leaseMs: 60_000, version: "1", configuration: {} });

/** A batch whose recordings are on the host, and whose payloads retention has removed. */
async function prunedBatch(): Promise<number> {
  const { id } = await store.createBatch({ name: "night", folder: null });
  const run = await begin(id);
  await store.noteFiles(run!, place);
  await store.endRun(run!, "completed");
  const payloadsRemovedAt = "2026-01-01 00:00:00.000";
  await fresh.database.kysely.updateTable("batchStatus").set({ payloadsRemovedAt }).where("id", "=", id).execute();
  return id;
}

const remove = () =>
  removeRecordings({
    store,
    keepers: [new RemoteRuntime(() => null, client, { slotsPerHost: 1 })],
    client,
    signal: new AbortController().signal,
  });

test("a run that begins while the host is busy with another batch keeps its recordings", async () => {
  const [first, second, third] = [await prunedBatch(), await prunedBatch(), await prunedBatch()];
  meanwhile = (batchId) => (batchId === first ? begin(second) : Promise.resolve());
  expect(await remove()).toEqual([
    { description: place.description, removed: [first, third], held: [], kept: [], reason: null },
  ]);
  expect(asked).toEqual([first, third]);
  expect((await store.filesToRemove([second])).map(({ batchId }) => batchId)).toEqual([second]);
});

test("a place stays noted for a run that begins while its batch is removed there", async () => {
  const batchId = await prunedBatch();
  meanwhile = begin;
  expect(await remove()).toEqual([{ description: place.description, removed: [], held: [], kept: [], reason: null }]);
  expect((await store.filesToRemove([batchId])).map((files) => files.batchId)).toEqual([batchId]);
});

test("recordings that are held stay; an engine that cannot keep some removes none", async () => {
  const batchId = await prunedBatch();
  const call = { batchId, callId: "C1", fileName: "c1.wav", startTime: "2026-01-01 00:00:00.000", durationS: 1 };
  await fresh.database.kysely.insertInto("callRecord").values(call).execute();
  const holds = new Holds(fresh.database);
  const by = { who: "ann", role: "admin", reason: "letter" };
  const { number } = await holds.hold({ scope: "call", batchId, subject: "C1" }, by);
  const cleared = { description: place.description, removed: [], held: [batchId], kept: [], reason: null };
  expect(await remove()).toEqual([cleared]);
  expect(kept).toEqual(['{"file_names":["c1.wav"]}']);
  status = 404;
  expect(await remove()).toMatchObject([{ removed: [], held: [], kept: [batchId], reason: expect.any(String) }]);
  status = 204;
  await holds.release(number, by);
  // Held as a whole: the host is not asked.
  const whole = await holds.hold({ scope: "batch", batchId, subject: null }, by);
  expect(await remove()).toEqual([]);
  await holds.release(whole.number, by);
  expect(await remove()).toEqual([{ ...cleared, removed: [batchId], held: [] }]);
  expect(kept).toHaveLength(2);
});
