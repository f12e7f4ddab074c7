/** A batch whose hosts come and go, with its dashboard, and more events for it as a test wants them. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "@cofi/event-log/database";
import type { StoredEvent } from "@cofi/event-log/event-columns";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { startDashboard } from "./cofi.js";

/** A step of the only engine of a host, or of one of several there. */
export interface Step {
  stage?: string;
  host: string;
  engine?: string;
  engines?: number;
  from: string;
  to: string;
  rule: string;
}

export interface HostNight {
  url: string;
  batchId: number;
  store: Store;
  /** Logs events of the batch's only run, one second after the other. */
  log(...events: readonly Partial<StoredEvent>[]): Promise<void>;
  close(): Promise<void>;
}

export function step({ stage = "stt", host, engine = "0", engines = 1, ...said }: Step): Partial<StoredEvent> {
  const url = `http://${host}:80${engine}0`;
  return {
    stage,
    eventType: "info",
    gpuIp: host,
    metadata: JSON.stringify({ message: said.rule, host: { engine: `${host}#${engine}`, engines, url, ...said } }),
  };
}

/** A file that a host has done, and how long that took. */
export function done(stage: string, fileName: string, gpuIp: string, durationMs: number): Partial<StoredEvent>[] {
  const file = { stage, fileName, gpuIp, attempt: 1 };
  return [
    { ...file, eventType: "file_start", status: "processing" },
    { ...file, eventType: "file_complete", status: "success", durationMs },
  ];
}

const EMPTY: StoredEvent = {
  batchId: 0,
  timestamp: "",
  stage: "stt",
  eventType: "info",
  fileName: null,
  gpuIp: null,
  payload: null,
  response: null,
  status: null,
  errorMessage: null,
  totalFiles: null,
  processedFiles: null,
  metadata: null,
  eventId: "",
  attempt: null,
  durationMs: null,
  payloadCut: null,
  responseCut: null,
  run: 1,
};
const APART_MS = 10;
/** Events of one insert. */
const AT_ONCE = 1_000;

/** Rows of the only run of a batch. `from`: epoch ms of the first. */
export function rowsFor(batchId: number, events: readonly Partial<StoredEvent>[], from: number): StoredEvent[] {
  return events.map((event, index) => {
    const timestamp = new Date(from + index * APART_MS).toISOString().replace("T", " ").replace("Z", "");
    return { ...EMPTY, batchId, timestamp, eventId: randomUUID(), ...event };
  });
}

export async function startHostNight(): Promise<HostNight> {
  const root = await mkdtemp(join(tmpdir(), "cofi-hosts-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  const database = await openDatabase(databaseUrl);
  await migrate(database);
  const store = new Store(database);
  const { id: batchId } = await store.createBatch({ name: "hosts", folder: null });
  await store.updateBatch(batchId, { status: "running", startedAt: new Date() });
  const dashboard = await startDashboard({ COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root });
  return {
    url: dashboard.url,
    batchId,
    store,
    async log(...events) {
      const rows = rowsFor(batchId, events, Date.now() - events.length * APART_MS);
      for (let at = 0; at < rows.length; at += AT_ONCE) await store.insertEvents(rows.slice(at, at + AT_ONCE));
    },
    async close() {
      await dashboard.stop();
      await database.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
