/** A batch to seal, in a database and with a data folder of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import type { Database } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { toDatabaseTime } from "@cofi/event-log/time";
import { sealEndsIn, SigningKey, trustedKeys } from "@cofi/evidence/seal-keys";
import { Sealer } from "@cofi/evidence/sealer";
import { verifySeals, type Verified } from "@cofi/evidence/verify-seals";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { storedEvent } from "../../event-log/test/stored-event.js";

export interface Lab {
  fresh: FreshDatabase;
  store: Store;
  folder: string;
  /** A batch that run 1 holds. */
  batch(): Promise<number>;
  /** Logs events of all columns. */
  log(batchId: number, count: number, run?: number): Promise<void>;
  seal(batchId: number, run?: number, database?: Database): Promise<void>;
  verify(batchId?: number): Promise<Verified & { says: string[] }>;
  /** Where somebody has all of the database, nothing holds him. */
  unlock(): Promise<void>;
  close(): Promise<void>;
}

export async function lab(dialect: "sqlite" | "mysql"): Promise<Lab> {
  const fresh = await freshDatabase(dialect);
  const folder = await mkdtemp(join(tmpdir(), "cofi-seals-"));
  const store = new Store(fresh.database);
  let logged = 0;
  return {
    fresh,
    store,
    folder,
    async batch() {
      const { id } = await store.createBatch({ name: "night", folder: null });
      await store.beginRun(id, { owner: `test ${id}`, leaseMs: 60_000, version: "1", configuration: {} });
      return id;
    },
    async log(batchId, count, run = 1) {
      const events = Array.from({ length: count }, (_, n) =>
        storedEvent({
          batchId,
          run,
          timestamp: toDatabaseTime(new Date()),
          eventId: `00000000-0000-4000-8000-${String(++logged).padStart(12, "0")}`,
          eventType: "file_complete",
          fileName: `call-${n}.wav`,
          gpuIp: "10.0.0.1",
          status: "success",
          errorMessage: "nothing went wrong",
          payload: `{"asked":"नमस्ते 🦊 ${n}"}`,
          response: `{"text":"buy a hundred ${n}"}`,
          metadata: '{"note":"abcdef"}',
          payloadCut: `{"bytes":${90_000 + n},"sha256":"${"a1".repeat(32)}"}`,
          totalFiles: 10,
          processedFiles: n,
          attempt: 1,
          durationMs: 500 + n,
        }),
      );
      await store.insertEvents(events);
    },
    async seal(batchId, run = 1, database = fresh.database) {
      await new Sealer(database, new SigningKey(folder)).seal({ batchId, run });
    },
    async verify(batchId) {
      const says: string[] = [];
      const verified = await verifySeals(fresh.database, {
        keys: trustedKeys(folder),
        ends: sealEndsIn(folder),
        batchId,
        onFault: (fault) => says.push(fault.says),
      });
      return { ...verified, says };
    },
    async unlock() {
      if (dialect === "mysql") return;
      for (const trigger of ["batchSeal_noUpdate", "batchSeal_noDelete", "batchSealPart_noUpdate"])
        await sql`DROP TRIGGER ${sql.ref(trigger)}`.execute(fresh.database.kysely);
    },
    async close() {
      await fresh.close();
      await rm(folder, { recursive: true });
    },
  };
}
