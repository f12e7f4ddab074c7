/** What is known of hosts that no run uses any more goes with the next pruning, beside runs that share hosts. */
import { describe, expect, onTestFinished, test } from "vitest";
import { HostShares, type HostWish } from "@cofi/event-log/host-shares";
import { prune } from "@cofi/event-log/retention";
import type { Run } from "@cofi/event-log/runs";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";

const KEEP = { keepPayloadsMs: null, keepEventsMs: 365 * 86_400_000 };
const SLOTS = 4;

function wish(host: string, held = 0): HostWish {
  return { host, slots: SLOTS, wanted: SLOTS, mayWant: SLOTS, held };
}

describe.each(DIALECTS)("on %s", (name) => {
  async function opened() {
    const fresh = await freshDatabase(name);
    onTestFinished(() => fresh.close());
    const store = new Store(fresh.database);
    const begin = async (): Promise<Run> => {
      const { id } = await store.createBatch({ name: "b", folder: null });
      const facts = { owner: `o${id}`, leaseMs: 60_000, version: "0", configuration: null };
      return (await store.beginRun(id, facts))!;
    };
    const { kysely } = fresh.database;
    const known = async () => ({
      hosts: (await kysely.selectFrom("engineHost").select("host").orderBy("host").execute()).map(({ host }) => host),
      uses: (await kysely.selectFrom("engineHostUse").select("host").orderBy("host").execute()).map(({ host }) => host),
    });
    return { fresh, store, begin, known, shares: new HostShares(fresh.database) };
  }

  test("hosts that no run uses go, and what runs held that ended without a word; those in use, and those left out, stay", async () => {
    const { fresh, store, begin, known, shares } = await opened();
    const [alive, ended, lost] = [await begin(), await begin(), await begin()];
    await shares.share(alive, [wish("stt http://used"), wish("stt http://left"), wish("stt http://out")]);
    await shares.share(ended, [wish("stt http://ended"), wish("stt http://used")]);
    await shares.share(lost, [wish("stt http://lost")]);
    await shares.release(alive, ["stt http://left", "stt http://out"]);
    await shares.leaveOut(alive, "stt http://out", 60_000);
    await store.endRun(ended, "failed");
    await store.renewRun(lost, -1_000);
    expect(await prune(fresh.database, { ...KEEP, dryRun: true })).toEqual([]);
    expect((await known()).hosts).toHaveLength(5);
    expect(await prune(fresh.database, KEEP)).toEqual([]);
    expect(await known()).toEqual({ hosts: ["stt http://out", "stt http://used"], uses: ["stt http://used"] });
    // One whose pause is over.
    await shares.leaveOut(alive, "stt http://out", -1);
    await prune(fresh.database, KEEP);
    expect((await known()).hosts).toEqual(["stt http://used"]);
  });

  test("a run has its share also of a host that was removed since it used it last", async () => {
    const { fresh, begin, shares } = await opened();
    const run = await begin();
    const hosts = ["stt http://a", "stt http://b"];
    await shares.share(run, [wish(hosts[0]!)]);
    await shares.release(run, [hosts[0]!]);
    await prune(fresh.database, KEEP);
    const found = await shares.share(
      run,
      hosts.toReversed().map((host) => wish(host)),
    );
    expect(hosts.map((host) => found.get(host)?.share)).toEqual([SLOTS, SLOTS]);
  });

  test("while hosts are removed all the time, runs that come and go never have more than there is", async () => {
    const { fresh, begin } = await opened();
    const runs = await Promise.all(Array.from({ length: 4 }, () => begin()));
    const host = "stt http://a";
    const inWork = new Map<number, number>();
    const over = new AbortController();
    const pruning = (async () => {
      while (!over.signal.aborted) await prune(fresh.database, KEEP);
    })();
    const working = runs.map(async (run, n) => {
      const shares = new HostShares(fresh.database);
      for (let round = 0; round < 10; round++) {
        const held = inWork.get(run.batchId) ?? 0;
        const { share } = (await shares.share(run, [wish(host, held)])).get(host)!;
        inWork.set(run.batchId, Math.max(share, held));
        const total = [...inWork.values()].reduce((sum, each) => sum + each, 0);
        expect(total).toBeLessThanOrEqual(SLOTS);
        if ((round + n) % 3 > 0) continue;
        inWork.set(run.batchId, 0);
        await shares.release(run, [host]);
      }
    });
    await Promise.all(working).finally(() => over.abort());
    await pruning;
  });
});
