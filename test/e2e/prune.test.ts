/** `cofi prune` leaves nothing of what it removes: in the database, the spool, temporary files and on the engines' hosts. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { Spool } from "@cofi/event-log/spool";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { storedEvent } from "../../packages/event-log/test/stored-event.js";
import { Canaries } from "../support/canaries.js";
import { runCofi, startCofi, type CofiProcess } from "../support/cofi.js";
import { freePort } from "../support/free-port.js";
import { startScriptedEngine, type ScriptedEngine } from "../support/scripted-engine.js";

const SAMPLE_RATE = 8_000;
const SECONDS = 10;
/** What the scripted engine hears in every call. */
const SAID = "please buy two hundred shares of infosys";

let root: string;
let scripted: ScriptedEngine;
let canaries: Canaries;
let engine: CofiProcess | undefined;
let env: Record<string, string>;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-prune-"));
  for (const folder of ["tmp", "host"]) await mkdir(join(root, folder));
  scripted = await startScriptedEngine();
  canaries = new Canaries();
  const stages = STAGES.filter(({ kind, name }) => kind === "engine" && name !== "denoise");
  env = {
    COFI_DATA_DIR: join(root, "data"),
    TMPDIR: join(root, "tmp"),
    ...Object.fromEntries(stages.map(({ name }) => [`COFI_ENGINE_${name.toUpperCase()}_URLS`, scripted.url])),
  };
});
afterEach(async () => {
  await engine?.stop();
  engine = undefined;
  await scripted.close();
  await rm(root, { recursive: true, force: true });
});

/** Ten seconds of noise with a word in it that a search finds. */
function recording(): Buffer {
  const data = Buffer.alloc(SAMPLE_RATE * SECONDS * 2);
  for (let at = 0; at < data.length; at += 2) data.writeInt16LE(Math.round((Math.random() - 0.5) * 6_000), at);
  data.write(canaries.of("recording"), 40_000, "latin1");
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(SAMPLE_RATE, 24);
  head.writeUInt32LE(SAMPLE_RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

async function batchFolder(): Promise<string> {
  const folder = join(root, "batches", canaries.of("folder"));
  await mkdir(folder, { recursive: true });
  const names = Array.from({ length: 3 }, () => `${canaries.of("name")}wav`);
  for (const name of names) await writeFile(join(folder, name), recording());
  const calls = names.map(
    (name, n) => `C${n},${name},2026-11-20T09:0${n}:00Z,${SECONDS},+91981000000${n},${canaries.of("client")}`,
  );
  await writeFile(
    join(folder, "calls.csv"),
    `call_id,file_name,start_time,duration_s,caller_number,client_code\n${calls.join("\n")}\n`,
  );
  await writeFile(
    join(folder, "trades.csv"),
    `trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price\nT1,2026-11-20T09:00:05Z,${canaries.of("client")},D1,INFY,BUY,200,1500\n`,
  );
  return folder;
}

/** Makes the batch old, and another one the newest, so that the clock is believed. */
async function age(batchId: number, days: number): Promise<string> {
  const database = await openDatabase(`sqlite:${join(root, "data", "cofi.sqlite")}`);
  const store = new Store(database);
  const then = new Date(Date.now() - days * 86_400_000).toISOString().replace("T", " ").replace("Z", "");
  await sql`UPDATE batchExecutionLog SET timestamp = ${then} WHERE batchId = ${batchId}`.execute(database.kysely);
  await sql`UPDATE batchStatus SET createdAt = ${then}, finishedAt = ${then} WHERE id = ${batchId}`.execute(
    database.kysely,
  );
  const newest = await store.createBatch({ name: "newest", folder: null });
  await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType) VALUES (${newest.id}, 'stt', 'info')`.execute(
    database.kysely,
  );
  const identity = await store.identityOf(batchId);
  await database.close();
  return identity ?? "";
}

/** What a spool keeps beside the events that wait: a damaged file, and events that the database refused. */
async function leaveInSpool(batchId: number, identity: string): Promise<void> {
  const folder = join(root, "data", "spool");
  const event = (payload: string) =>
    storedEvent({ batchId, fileName: canaries.of("name"), payload, eventId: `left-${payload}` });
  const spool = Spool.open(folder, batchId, { identity });
  spool.append([event(canaries.of("damaged")), event(canaries.of("refused"))]);
  const [, refused] = spool.oldest(2, 1_000_000);
  spool.reject(refused!, "a reason");
  spool.close();
  const [file = ""] = (await readdir(folder)).filter((name) => name.endsWith(".spool"));
  const bytes = await readFile(join(folder, file));
  await rm(join(folder, file));
  await writeFile(join(folder, `${file}.damaged`), bytes);
}

function found(): Record<string, number> {
  return canaries.foundBelow(join(root, "data"), join(root, "tmp"), join(root, "host"));
}

async function holdsWords(): Promise<boolean> {
  const files = ["cofi.sqlite", "cofi.sqlite-wal"].map((name) => readFile(join(root, "data", name), "latin1"));
  return (await Promise.allSettled(files)).some((file) => file.status === "fulfilled" && file.value.includes(SAID));
}

test("payloads with recordings, then all the rest: no byte of it is left", async () => {
  const run = await runCofi(["run", await batchFolder(), "--name", canaries.of("batch")], env);
  expect(run.output).toMatch(/Batch 1 completed/);
  const identity = await age(1, 40);
  await leaveInSpool(1, identity);
  expect(found()).toMatchObject({ recording: 3, damaged: 1, refused: 1 });
  expect(await holdsWords()).toBe(true);

  const rehearsed = await runCofi(["prune", "--payloads", "30d", "--dry-run"], env);
  expect(rehearsed.output).toMatch(/^Recordings of batch 1 would be removed from \/.*\/data\/files on /m);
  const pruned = await runCofi(["prune", "--payloads", "30d"], env);
  expect(pruned).toEqual({ code: 0, output: expect.stringMatching(/^Recordings of batch 1 removed from .*files on/m) });
  expect(pruned.output).toMatch(/^2 files of removed batches removed from the spool$/m);
  expect(Object.keys(found()).toSorted()).toEqual(["batch", "client", "folder", "name"]);
  expect(await readdir(join(root, "data", "files"))).toEqual(["incoming"]);
  expect(await readdir(join(root, "data", "spool"))).toEqual([]);

  await age(1, 400);
  const all = await runCofi(["prune", "--events", "365d"], env);
  expect(all).toEqual({ code: 0, output: expect.stringMatching(/^1 batch pruned\.$/m) });
  expect(found()).toEqual({});
  expect(await holdsWords()).toBe(false);
});

test("of a batch of which a call is held, its recording, words and events stay, and nothing else; once it is released, nothing", async () => {
  const run = await runCofi(["run", await batchFolder(), "--name", canaries.of("batch")], env);
  expect(run.output).toMatch(/Batch 1 completed/);
  await leaveInSpool(1, await age(1, 400));
  const hold = (...args: string[]) => runCofi(["hold", ...args, "--reason", "letter of the regulator"], env);
  expect(await hold("call", "C0")).toMatchObject({ code: 2, output: expect.stringContaining("--batch") });
  expect(await hold("call", "C9", "--batch", "1")).toMatchObject({
    code: 1,
    output: expect.stringContaining("nothing left"),
  });
  expect(await hold("call", "C0", "--batch", "1")).toMatchObject({
    code: 0,
    output: expect.stringContaining("Hold 1:"),
  });
  expect((await runCofi(["holds"], env)).output).toMatch(
    /^1 {2}call C0, batch 1 {2}by .* on the server at .*: letter of/,
  );

  const pruned = await runCofi(["prune", "--events", "365d"], env);
  expect(pruned.output).toMatch(/^Batch 1 .*; what is held stays$/m);
  expect(pruned.output).toMatch(/^Recordings of batch 1 that nobody holds removed from /m);
  // Of the spool nobody knows what is in it.
  expect(found()).toMatchObject({ recording: 1, damaged: 1, refused: 1 });
  expect(await holdsWords()).toBe(true);
  expect((await runCofi(["prune", "--events", "365d"], env)).output).toMatch(
    /is held, and stays\n[^]*0 batches pruned/,
  );

  expect(await runCofi(["release", "1", "--reason", "the case is closed"], env)).toMatchObject({ code: 0 });
  expect(await runCofi(["release", "1", "--reason", "twice"], env)).toMatchObject({ code: 1 });
  expect((await runCofi(["prune", "--events", "365d"], env)).output).toMatch(/^1 batch pruned\.$/m);
  expect(found()).toEqual({});
  expect(await holdsWords()).toBe(false);
  expect((await runCofi(["hold", "batch", "1", "--reason", "too late"], env)).output).toMatch(
    /retention removed it at/,
  );
});

test("a host that cannot be reached is named, and its recordings go when it is back", async () => {
  const port = await freePort();
  const host = ["engine", "file_distribution", "--port", String(port), "--files-dir", join(root, "host")];
  const start = async (): Promise<CofiProcess> => {
    const started = startCofi(host, { TMPDIR: join(root, "tmp"), COFI_DATA_DIR: join(root, "data") });
    await started.printed(/"url"/);
    return started;
  };
  engine = await start();
  const url = `http://127.0.0.1:${port}`;
  const remote = { ...env, COFI_ENGINE_FILE_DISTRIBUTION_URLS: url, COFI_ENGINE_DENOISE_URLS: scripted.url };
  expect((await runCofi(["run", await batchFolder()], remote)).output).toMatch(/Batch 1 completed/);
  await age(1, 400);
  expect(found()).toHaveProperty("recording", 3);
  await engine.stop();

  const away = await runCofi(["prune", "--events", "365d"], remote);
  expect(away.code).toBe(1);
  expect(away.output).toMatch(
    new RegExp(`^Recordings of batch 1 are still in ${url}, and the next run tries again\\. .*ECONNREFUSED`, "m"),
  );
  expect(Object.keys(found())).toEqual(["recording"]);

  engine = await start();
  // Also when no setting names the host any more.
  const back = await runCofi(["prune", "--events", "365d"], env);
  expect(back).toEqual({ code: 0, output: expect.stringMatching(`Recordings of batch 1 removed from ${url}`) });
  expect(found()).toEqual({});
  expect((await runCofi(["prune", "--events", "365d"], env)).output.trim()).toBe("0 batches pruned.");
});
