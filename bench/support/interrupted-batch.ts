/** A batch that was killed when all its recordings were transcribed: the folder, and the log as the pipeline wrote it. */
import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "@cofi/event-log/database";
import type { StoredEvent } from "@cofi/event-log/event-columns";
import { Store } from "@cofi/event-log/store";

const ENGINE = { engine: { name: "bench", version: "1", model: "none" }, elapsed_ms: 1 };
const SECONDS = 10;
const TRIM = { start_s: 0, end_s: SECONDS };
const TRADES = 1_000;
const EVENTS_AT_ONCE = 500;

/** About 20 KB. */
function transcript(): object {
  const segments = Array.from({ length: 130 }, (_, id) => ({
    id,
    start_s: id / 20,
    end_s: (id + 1) / 20,
    text: "please buy two hundred shares of infosys at fifteen hundred",
    confidence: 0.9,
  }));
  const text = segments.map((segment) => segment.text).join(" ");
  return { ...ENGINE, language: "en", duration_s: SECONDS, text, confidence: 0.9, segments, model: "none" };
}

/** What each stage was asked and answered, in order, without the parts that differ from file to file. */
const ANSWERS: readonly [stage: string, answer: object][] = [
  ["denoise", { ...ENGINE, duration_s: SECONDS, sample_rate: 8_000, channels: 1, variant: "denoised" }],
  ["ivr", { ...ENGINE, duration_s: SECONDS, segments: [], dtmf: "", trim: TRIM, speech_s: 9, speech: [TRIM] }],
  ["lid", { ...ENGINE, language: "en", confidence: 0.9, speech_s: 9 }],
  ["stt", transcript()],
];

/** A request, its answer, and the metadata of the event that holds the answer. */
type Answered = [request: object, answer: object, metadata?: object];

function sha256Of(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Makes `files` recordings with their CSV files in `folder`. `bytes`: of each, where they are not to be tiny; it is then one file. */
export async function makeFolder(folder: string, files: number, bytes = 0): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (bytes > 0) await writeFile(join(folder, nameOf(0)), randomBytes(bytes));
  const calls: string[] = ["call_id,file_name,start_time,duration_s,caller_number,client_code"];
  for (let n = 0; n < files; n++) {
    const path = join(folder, nameOf(n));
    if (bytes === 0) await writeFile(path, contentOf(n));
    else if (n > 0) await link(join(folder, nameOf(0)), path);
    const start = new Date(Date.UTC(2026, 10, 20, 4) + n * 200).toISOString();
    calls.push(`C${n},${nameOf(n)},${start},${SECONDS},+9198${String(n).padStart(8, "0")},AB${n}`);
  }
  await writeFile(join(folder, "calls.csv"), `${calls.join("\n")}\n`);
  const trades = ["trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price"];
  for (let n = 0; n < TRADES; n++) {
    const call = Math.floor((n * files) / TRADES);
    const time = new Date(Date.UTC(2026, 10, 20, 4) + call * 200 + 5_000).toISOString();
    trades.push(`T${n},${time},AB${call},D1,INFY,BUY,200,1500`);
  }
  await writeFile(join(folder, "trades.csv"), `${trades.join("\n")}\n`);
}

function nameOf(n: number): string {
  return `call-2026-11-20-${String(n).padStart(6, "0")}.wav`;
}

function contentOf(n: number): string {
  return `recording ${n}`;
}

/** Writes the log of a first run that ended when the last recording was transcribed. @returns the batch's number */
export async function logInterrupted(
  database: Database,
  folder: string,
  files: number,
  engineUrl: string,
): Promise<number> {
  const store = new Store(database);
  const { id } = await store.createBatch({ name: "interrupted", folder });
  const run = await store.beginRun(id, { owner: "killed", leaseMs: 60_000, version: "0.0.0", configuration: null });
  let waiting: StoredEvent[] = [];
  let number = 0;
  const log = async (fields: Partial<StoredEvent> & Pick<StoredEvent, "stage" | "eventType">): Promise<void> => {
    waiting.push({
      batchId: id,
      timestamp: new Date().toISOString().replace("T", " ").replace("Z", ""),
      fileName: null,
      gpuIp: "127.0.0.1",
      payload: null,
      response: null,
      status: fields.eventType === "file_complete" ? "success" : null,
      errorMessage: null,
      totalFiles: null,
      processedFiles: null,
      metadata: null,
      eventId: `${id}-${number++}`,
      attempt: 1,
      durationMs: 1,
      payloadCut: null,
      responseCut: null,
      run: run?.run ?? null,
      ...fields,
    });
    if (waiting.length < EVENTS_AT_ONCE) return;
    await store.insertEvents(waiting);
    waiting = [];
  };
  const stage = async (name: string, answerOf: (n: number) => Promise<Answered>): Promise<void> => {
    await log({ stage: name, eventType: "stage_start", totalFiles: files });
    for (let n = 0; n < files; n++) {
      const [request, answer, more] = await answerOf(n);
      const fileName = nameOf(n);
      const [payload, response] = [JSON.stringify(request), JSON.stringify(answer)];
      const length = JSON.stringify({ audioSeconds: SECONDS });
      await log({ stage: name, eventType: "file_start", fileName, payload, metadata: length, status: "processing" });
      await log({
        stage: name,
        eventType: "file_complete",
        fileName,
        response,
        metadata: JSON.stringify(more ?? null),
      });
    }
    const counts = { processedFiles: files, totalFiles: files };
    await log({ stage: name, eventType: "stage_complete", status: "success", ...counts });
  };
  await stage("file_distribution", async (n) => {
    const { ino, mtimeMs, ctimeMs } = await stat(join(folder, nameOf(n)));
    const [bytes, sha256] = [Buffer.byteLength(contentOf(n)), sha256Of(contentOf(n))];
    return [
      { batch_id: id, file_name: nameOf(n), bytes, sha256, host: engineUrl },
      { bytes, sha256 },
      { fileVersion: `${ino} ${mtimeMs} ${ctimeMs}` },
    ];
  });
  for (const [name, fileName] of Object.entries({ callmetadata: "calls.csv", trademetadata: "trades.csv" })) {
    const rows = name === "callmetadata" ? files : TRADES;
    const sha256 = sha256Of(await readFile(join(folder, fileName)));
    const response = JSON.stringify({ sha256, rows, accepted: rows, refused: 0, codes: {} });
    await log({ stage: name, eventType: "file_complete", fileName, response });
  }
  for (const [name, answer] of ANSWERS)
    await stage(name, async (n) => [{ batch_id: id, file_name: nameOf(n) }, answer]);
  await store.insertEvents(waiting);
  if (run) await store.endRun(run, "interrupted");
  await store.updateBatch(id, { status: "interrupted" });
  return id;
}
