/** What the seal of a batch costs, over the number of its events: events per second, and memory, which must not grow with them. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { storedEvent } from "../packages/event-log/test/stored-event.js";
import { DIALECTS, freshDatabase } from "../test/support/databases.js";
import { record } from "./support/results.js";

const SEALING = fileURLToPath(new URL("./support/seal-process.mjs", import.meta.url));
const LEAST = Number(process.env["COFI_SEAL_EVENTS"] ?? 20_000);
const SIZES = [LEAST, 4 * LEAST];
const [PAYLOAD, RESPONSE] = [`{"a":"${"x".repeat(1_000)}"}`, `{"b":"${"y".repeat(4_000)}"}`];

async function fill(store: Store, events: number): Promise<void> {
  const { id } = await store.createBatch({ name: "night", folder: null });
  await store.beginRun(id, { owner: "bench", leaseMs: 3_600_000, version: "1", configuration: {} });
  for (let start = 0; start < events; start += 500)
    await store.insertEvents(
      Array.from({ length: 500 }, (_, n) =>
        storedEvent({
          run: 1,
          eventId: `00000000-0000-4000-8000-${String(start + n).padStart(12, "0")}`,
          eventType: "file_complete",
          fileName: `call-${start + n}.wav`,
          gpuIp: "10.0.0.1",
          status: "success",
          payload: PAYLOAD,
          response: RESPONSE,
          metadata: '{"audioSeconds":312}',
        }),
      ),
    );
}

test.each(DIALECTS)("on %s", async (dialect) => {
  const speed: Record<string, number> = {};
  const memory: Record<string, number> = {};
  for (const events of SIZES) {
    const fresh = await freshDatabase(dialect);
    const folder = await mkdtemp(join(tmpdir(), "cofi-seals-"));
    try {
      await fill(new Store(fresh.database), events);
      for (const what of ["seal", "verify"]) {
        const { stdout } = await promisify(execFile)(process.execPath, [SEALING, fresh.url, folder, what]);
        const { ms, mb } = JSON.parse(stdout) as { ms: number; mb: number };
        const name = `${what}, ${events.toLocaleString("en")} events`;
        speed[name] = (events / ms) * 1_000;
        memory[name] = mb;
      }
    } finally {
      await fresh.close();
      await rm(folder, { recursive: true });
    }
  }
  await record(`Seals and packs: events with 1 KB of payload and 4 KB of response, ${dialect}`, "events/s", speed);
  await record(`Seals and packs: memory beyond that of the process, ${dialect}`, "MB", memory);
  expect(Object.keys(speed)).toHaveLength(4);
});
