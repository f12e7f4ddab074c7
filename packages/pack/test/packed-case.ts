/** A batch with one trade that a call confirms, sealed, with its recording in a folder. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessLog } from "@cofi/access/access-log";
import { LogKeeper } from "@cofi/access/log-keeper";
import type { Batch, Json } from "@cofi/event-log/events";
import { Store } from "@cofi/event-log/store";
import { toDatabaseTime } from "@cofi/event-log/time";
import { Results } from "@cofi/evidence/results";
import { Reviews } from "@cofi/evidence/review/reviews";
import { SigningKey } from "@cofi/evidence/seal-keys";
import { Sealer } from "@cofi/evidence/sealer";
import { preparePack, type Pack, type PackOptions } from "@cofi/pack/make";
import { FolderRecordings } from "@cofi/pack/recordings";
import { verifyPack, type VerifiedPack } from "@cofi/pack/verify";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { storedEvent } from "../../event-log/test/stored-event.js";
import { wavFile } from "../../pipeline/test/wav-file.js";

export const TRADE = "T1";
const CALL = "C1";
/** What is in names and texts of the case. */
export const NASTY = `</script><img src=x onerror="document.title='hit'">'"&`;

export interface PackLab {
  fresh: FreshDatabase;
  store: Store;
  /** With the batch's folder `batch` and the data folder `data`. */
  folder: string;
  batch: Batch;
  fileName: string;
  recording: Buffer;
  key: SigningKey;
  accessLog: AccessLog;
  /** Ids of the events of the trade and its recording. */
  eventIds: number[];
  prepare(more?: Partial<PackOptions>): Promise<Pack>;
  /** Writes a pack. @returns its path */
  pack(more?: Partial<PackOptions>): Promise<string>;
  /** By the key of the lab. */
  verify(path: string): Promise<VerifiedPack>;
  close(): Promise<void>;
}

export async function packLab(dialect: "sqlite" | "mysql" = "sqlite"): Promise<PackLab> {
  const fresh = await freshDatabase(dialect);
  const folder = await mkdtemp(join(tmpdir(), "cofi-packs-"));
  const [store, results] = [new Store(fresh.database), new Results(fresh.database)];
  await mkdir(join(folder, "batch"));
  const fileName = "call <1> नमस्ते.wav";
  const recording = wavFile(4);
  const recordingSha256 = createHash("sha256").update(recording).digest("hex");
  await writeFile(join(folder, "batch", fileName), recording);
  const { id: batchId } = await store.createBatch({ name: "night", folder: join(folder, "batch") });
  await store.beginRun(batchId, { owner: "host:1", leaseMs: 60_000, version: "1", configuration: { flow: "stages" } });
  const run = { batchId, run: 1 };

  let logged = 0;
  const log = async (stage: string, name: string | null, payload: Json, response: Json): Promise<number> => {
    const eventId = `00000000-0000-4000-8000-${String(++logged).padStart(12, "0")}`;
    const [asked, answered] = [JSON.stringify(payload), JSON.stringify(response)];
    await store.insertEvents([
      storedEvent({
        batchId,
        run: 1,
        timestamp: toDatabaseTime(new Date()),
        stage,
        eventType: "file_complete",
        status: "success",
        fileName: name,
        payload: asked,
        response: answered,
        metadata: '{"note":"x"}',
        eventId,
      }),
    ]);
    return await store.maxEventId();
  };
  const fileDistribution = await log("file_distribution", fileName, null, {
    bytes: recording.length,
    sha256: recordingSha256,
  });
  await Promise.all(
    Array.from({ length: 700 }, (_, n) => log("stt", `other-${n}.wav`, null, { text: "canary of another client" })),
  );
  const stt = await log("stt", fileName, { variant: "denoised" }, { text: `buy two hundred ${NASTY}` });
  const llm1 = await log("llm1", fileName, { transcript: `buy two hundred ${NASTY}` }, { trades: [] });
  const calls = [{ callId: CALL, fileName, recordingSha256, fileDistribution, ivr: null, stt, llm1, llm2: null }];
  const restsOn = { run: 1, configurationSha256: "a", orderSha256: "b", triaging: null, calls };
  const statement = {
    tradeId: TRADE,
    verdict: "CONFIRMED",
    reason: `It was said ${NASTY}`,
    callId: CALL,
    mismatches: [],
    lines: [`quantity: 200 ${NASTY}`],
  };
  const verdict = await log("verdicts", TRADE, { order: {} }, { ...statement, restsOn });
  await storeResults(results, run, fileName);
  const key = new SigningKey(join(folder, "data"));
  await new Sealer(fresh.database, key).seal(run);
  await store.updateBatch(batchId, { status: "completed", finishedAt: new Date() });
  const batch = await store.batch(batchId);
  if (!batch) throw new Error("The batch is not there.");
  const taken = { what: "taken", who: "ann", role: "reviewer" } as const;
  await new Reviews(fresh.database).add(batchId, TRADE, 1, taken);
  await new Reviews(fresh.database).add(batchId, TRADE, 2, { ...taken, what: "noted", note: `Heard twice ${NASTY}` });
  const accessLog = new AccessLog(fresh.database, new LogKeeper(join(folder, "data")));
  const recordings = [new FolderRecordings((id) => store.folderOfBatch(id))];
  const options: PackOptions = { database: fresh.database, accessLog, key, recordings, version: "1" };
  let packs = 0;
  const prepare = async (more: Partial<PackOptions> = {}): Promise<Pack> => {
    const pack = await preparePack({ ...options, ...more }, batch, TRADE, () => Promise.resolve());
    if (!pack) throw new Error("There is no such trade.");
    return pack;
  };
  return {
    fresh,
    store,
    folder,
    batch,
    fileName,
    recording,
    key,
    accessLog,
    eventIds: [fileDistribution, stt, llm1, verdict],
    prepare,
    async pack(more) {
      const path = join(folder, `pack-${++packs}.zip`);
      await writeFile(path, await bytesOf(await prepare(more)));
      return path;
    },
    verify: (path) => verifyPack(path, new Map([[key.public.id, key.public]])),
    async close() {
      await fresh.close();
      await rm(folder, { recursive: true });
    },
  };
}

export async function bytesOf(pack: Pack): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of pack.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function storeResults(results: Results, run: { batchId: number; run: number }, fileName: string): Promise<void> {
  const orderTime = new Date("2026-11-20T09:30:00Z");
  const evidence = [{ segment: 1, start_s: 2.5, end_s: 3.5, quote: `two hundred ${NASTY}` }];
  const contract = { exchange: "NSE", symbol: "INFY", instrument: "EQ", expiry: null, strike: null, optionType: null };
  const of = { clientCode: "AB1", dealerId: "D1" };
  const nothing = { lotSize: null, orderType: null, orderSource: null };
  const trade = {
    orderId: "O1",
    orderTime,
    tradeTime: orderTime,
    clientPhones: ["+919810010000"],
    side: "BUY",
    quantity: 200,
    price: 1500,
    ...of,
    ...contract,
    ...nothing,
  };
  await results.replaceCalls(run, [
    {
      callId: CALL,
      fileName,
      startTime: orderTime,
      durationS: 4,
      direction: "IN",
      callerNumber: "+919810010000",
      calleeNumber: null,
      extension: null,
      channels: 1,
      ...of,
    },
    {
      callId: "C2",
      fileName: "other.wav",
      startTime: orderTime,
      durationS: 4,
      direction: null,
      callerNumber: "+910000000002",
      calleeNumber: null,
      extension: null,
      channels: 1,
      ...of,
    },
  ]);
  await results.replaceTrades(run, [
    { ...trade, tradeId: TRADE },
    { ...trade, tradeId: "T2" },
    { ...trade, tradeId: "T3", orderId: "O9", clientCode: "canary" },
  ]);
  const components = { phone: 1, clientCode: 1, dealer: 1, time: 1 };
  await results.saveTriage(run, [
    {
      tradeId: TRADE,
      result: "SELECTED",
      reason: "One call fits.",
      steps: [{ rule: "phone", outcome: "fits", detail: NASTY }],
      candidates: [
        { callId: CALL, rank: 1, score: 90, components, flags: [], selected: true, reason: "The phone fits." },
        { callId: "C2", rank: 2, score: 10, components, flags: ["late"], selected: false, reason: "It is too late." },
      ],
    },
  ]);
  await results.saveVerdicts(run, [
    { tradeId: TRADE, verdict: "CONFIRMED", callId: CALL, reason: `It was said ${NASTY}`, detail: null },
  ]);
  await results.saveTranscript(run, CALL, {
    language: "en",
    confidence: 0.9,
    model: "m",
    text: "please buy two hundred",
    segments: [
      { id: 0, start_s: 0, end_s: 2, text: `please ${NASTY}`, confidence: 0.3, speaker: "client" },
      { id: 1, start_s: 2.5, end_s: 3.5, text: "buy two hundred", confidence: 0.9, speaker: "client" },
    ],
  });
  const heard = {
    action: "NEW",
    side: "BUY",
    symbol: "INFY",
    symbolSpoken: "infosys",
    instrument: "EQ",
    quantity: 200,
    unit: "SHARES",
    priceType: "LIMIT",
    price: 1500,
    triggerPrice: null,
    strike: null,
    optionType: null,
    expiry: null,
    readBack: true,
    clientConfirmed: true,
    confidence: 0.9,
    evidence,
  };
  await results.saveExtraction(run, CALL, [heard]);
  await results.saveAnswers(run, CALL, [
    { questionId: "order_placed", answer: "YES", confidence: 0.8, evidence, rationale: NASTY },
  ]);
}
