/** How runs share the slots of hosts, on each database. */
import { describe, expect, onTestFinished, test } from "vitest";
import { HostShares, type HostWish } from "@cofi/event-log/host-shares";
import { fairShares } from "@cofi/event-log/fair-shares";
import { RunSupersededError, type Run } from "@cofi/event-log/runs";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";

/** Numbers from 0 to 1, the same in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

describe("fair shares", () => {
  test("give nobody more than is wanted, use what there is, and differ by one at most where all want more", () => {
    const random = seeded(12);
    for (let round = 0; round < 500; round++) {
      const slots = Math.floor(random() * 20);
      const uses = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, n) => ({
        batchId: n * 3 + 1,
        wanted: Math.floor(random() * 12),
        slots: Math.floor(random() * 3),
        servedAt: random() < 0.3 ? null : Math.floor(random() * 200_000),
      }));
      const moment = { now: 200_000, host: Math.floor(random() * 1_000) };
      const shares = fairShares(slots, uses, moment);
      const given = uses.map(({ batchId, wanted }) => ({ wanted, share: shares.get(batchId)! }));
      const total = given.reduce((sum, { share }) => sum + share, 0);
      expect(total).toBe(
        Math.min(
          slots,
          uses.reduce((sum, { wanted }) => sum + wanted, 0),
        ),
      );
      for (const { share, wanted } of given) expect(share).toBeLessThanOrEqual(wanted);
      const hungry = given.filter(({ share, wanted }) => share < wanted).map(({ share }) => share);
      if (hungry.length > 0)
        expect(Math.max(...given.map(({ share }) => share)) - Math.min(...hungry)).toBeLessThanOrEqual(1);
      expect(fairShares(slots, uses.toReversed(), moment)).toEqual(shares);
    }
  });

  /** Ten hours of runs that all have files of this length, and divide the slots every second. @returns the files that each has done */
  function night(runs: number, slots: number, fileS: number): number[] {
    const all = Array.from({ length: runs }, (_, n) => ({
      batchId: n + 1,
      wanted: slots,
      slots: 0,
      servedAt: null as number | null,
      share: 0,
      ends: [] as number[],
      done: 0,
    }));
    for (let second = 0; second < 36_000; second++)
      for (const run of all) {
        run.done += run.ends.filter((end) => end <= second).length;
        run.ends = run.ends.filter((end) => end > second);
        while (run.ends.length < run.share) run.ends.push(second + fileS);
        const held = Math.max(run.ends.length, run.share);
        const due = fairShares(slots, all, { now: second * 1_000, host: 0 }).get(run.batchId)!;
        const free = slots - all.reduce((sum, other) => sum + (other === run ? 0 : other.slots), 0);
        run.share = Math.max(0, Math.min(due, free));
        if (Math.max(run.share, held) > run.slots) run.servedAt = second * 1_000;
        run.slots = Math.max(run.share, held);
      }
    return all.map(({ done }) => done);
  }

  test.each([1, 5, 59, 60, 61, 119, 120, 180, 300])(
    "where slots are too few for all, files of %i s are done by each run, as many as slots give",
    (fileS) => {
      for (const [runs, slots] of [
        [2, 1],
        [3, 1],
        [5, 1],
        [2, 3],
        [5, 3],
      ] as const) {
        const done = night(runs, slots, fileS);
        const total = done.reduce((sum, each) => sum + each, 0);
        // What all would have done if no slot were ever without a file.
        expect(total).toBeGreaterThan(0.95 * ((36_000 * slots) / fileS) - runs);
        expect(Math.min(...done)).toBeGreaterThan((0.7 * total) / runs);
      }
    },
  );
});

describe.each(DIALECTS)("on %s", (name) => {
  async function opened(): Promise<{ shares: HostShares; store: Store; begin: (leaseMs?: number) => Promise<Run> }> {
    const fresh = await freshDatabase(name);
    onTestFinished(() => fresh.close());
    const store = new Store(fresh.database);
    const begin = async (leaseMs = 60_000): Promise<Run> => {
      const { id } = await store.createBatch({ name: "b", folder: null });
      return (await store.beginRun(id, { owner: `o${id}`, leaseMs, version: "0", configuration: null }))!;
    };
    return { shares: new HostShares(fresh.database), store, begin };
  }
  const wish = (over: Partial<HostWish> = {}): HostWish => ({
    host: "stt http://a",
    slots: 4,
    wanted: 4,
    mayWant: over.wanted ?? 4,
    held: 0,
    ...over,
  });
  const shareOf = async (shares: HostShares, run: Run, over: Partial<HostWish> = {}): Promise<number | undefined> =>
    (await shares.share(run, [wish(over)])).get("stt http://a")?.share;

  test("what one has is its own until it gives it back, and then each has half", async () => {
    const { shares, begin } = await opened();
    const [one, two] = [await begin(), await begin()];
    expect(await shareOf(shares, one)).toBe(4);
    expect(await shareOf(shares, two)).toBe(0);
    // Four are in work: two may end.
    expect(await shareOf(shares, one, { held: 4 })).toBe(2);
    expect(await shareOf(shares, two)).toBe(0);
    expect(await shareOf(shares, one, { held: 3 })).toBe(2);
    expect(await shareOf(shares, two)).toBe(1);
    expect(await shareOf(shares, one, { held: 1 })).toBe(2);
    expect(await shareOf(shares, two, { held: 1 })).toBe(2);
    await shares.release(one, ["stt http://a"]);
    expect(await shareOf(shares, two, { held: 2 })).toBe(4);
  });

  test("where runs say different numbers of slots, the least counts, and each has its part of it", async () => {
    const { shares, begin } = await opened();
    const [large, small] = [await begin(), await begin()];
    const own = { slots: 8, wanted: 8 };
    expect(await shareOf(shares, large, own)).toBe(8);
    expect(await shareOf(shares, small)).toBe(0);
    expect(await shareOf(shares, large, { ...own, held: 8 })).toBe(2);
    expect(await shareOf(shares, large, { ...own, held: 2 })).toBe(2);
    expect(await shareOf(shares, small)).toBe(2);
    await shares.release(small, ["stt http://a"]);
    expect(await shareOf(shares, large, { ...own, held: 2 })).toBe(8);
  });

  test("slots for files that have not come yet are given to those whose files are there", async () => {
    const { shares, begin } = await opened();
    const [waits, works] = [await begin(), await begin()];
    const later = { wanted: 0, mayWant: 4 };
    expect(await shareOf(shares, waits, later)).toBe(4);
    expect(await shareOf(shares, works)).toBe(0);
    expect(await shareOf(shares, waits, { ...later, held: 4 })).toBe(0);
    expect(await shareOf(shares, waits, { ...later, held: 0 })).toBe(0);
    expect(await shareOf(shares, works)).toBe(4);
    // They come.
    expect(await shareOf(shares, waits, { wanted: 1, mayWant: 4 })).toBe(0);
    expect(await shareOf(shares, works, { held: 4 })).toBe(3);
    expect(await shareOf(shares, works, { held: 3 })).toBe(3);
    expect(await shareOf(shares, waits, { wanted: 1, mayWant: 4 })).toBe(1);
  });

  test("a run that ended, or lost its lease, holds nothing", async () => {
    const { shares, store, begin } = await opened();
    const [one, two, three] = [await begin(), await begin(), await begin()];
    expect(await shareOf(shares, one)).toBe(4);
    await store.endRun(one, "failed");
    expect(await shareOf(shares, two)).toBe(4);
    await store.renewRun(two, -1_000);
    expect(await shareOf(shares, three)).toBe(4);
  });

  test("a run that another one of its batch has taken over is refused, and the other keeps what it has", async () => {
    const { shares, store, begin } = await opened();
    const [first, other] = [await begin(), await begin()];
    expect(await shareOf(shares, first)).toBe(4);
    await store.renewRun(first, -1_000);
    const facts = { owner: "second", leaseMs: 60_000, version: "0", configuration: null };
    const second = (await store.beginRun(first.batchId, facts))!;
    expect(await shareOf(shares, second)).toBe(4);
    await expect(shareOf(shares, first)).rejects.toThrow(RunSupersededError);
    await shares.release(first, ["stt http://a"]);
    expect(await shareOf(shares, other)).toBe(0);
  });

  test("many at once never have more than there is", async () => {
    const { shares, begin } = await opened();
    const runs = await Promise.all(Array.from({ length: 6 }, () => begin()));
    const hosts = ["stt http://a", "stt http://b", "lid http://a"];
    const inWork = new Map<string, number>();
    const random = seeded(5);
    for (let round = 0; round < 8; round++) {
      const given = await Promise.all(
        runs.map(async (run) => {
          const wishes = hosts.map((host) => wish({ host, held: inWork.get(`${run.batchId} ${host}`) ?? 0 }));
          return [run, await shares.share(run, wishes)] as const;
        }),
      );
      for (const [run, found] of given)
        for (const host of hosts) {
          const key = `${run.batchId} ${host}`;
          const before = inWork.get(key) ?? 0;
          // Some of what was in work has ended; what is free is used.
          const ended = Math.floor(random() * (before + 1));
          inWork.set(key, Math.max(before - ended, found.get(host)!.share));
        }
      for (const host of hosts)
        expect(runs.reduce((sum, { batchId }) => sum + (inWork.get(`${batchId} ${host}`) ?? 0), 0)).toBeLessThanOrEqual(
          4,
        );
    }
  });

  test("a host that one has left out is known to all until somebody has an answer", async () => {
    const { shares, begin } = await opened();
    const [one, two] = [await begin(), await begin()];
    await shareOf(shares, one);
    await shares.leaveOut(one, "stt http://a", 20_000);
    const found = (await shares.share(two, [wish()])).get("stt http://a");
    expect(found?.leftOut).toMatchObject({ byBatch: one.batchId });
    expect(found!.leftOut!.forMs + found!.leftOut!.agoMs).toBe(20_000);
    await shares.takeBack("stt http://a");
    expect((await shares.share(two, [wish()])).get("stt http://a")?.leftOut).toBeNull();
    await shares.leaveOut(one, "stt http://a", -1);
    expect((await shares.share(two, [wish()])).get("stt http://a")?.leftOut).toBeNull();
  });
});
