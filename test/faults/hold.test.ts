/**
 * Somebody holds a call, or all of its batch, while another process is removing that batch: from the answer on nothing of it goes, whatever the
 * other process is about to do. `npm run faults` does it a thousand times, half of them on each database.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isUnavailable } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { HoldRefusedError, Holds } from "@cofi/evidence/holds";
import { leftOf, newestBatch, oldBatch } from "../../packages/evidence/test/old-batch.js";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../support/databases.js";
import { faultRounds, reportFault } from "../support/fault-row.js";

/** A group of ten holds for two of `COFI_FAULT_ROUNDS`: in the long form five hundred on each database. */
const GROUPS = Math.ceil(faultRounds(4) / 2);
const TOGETHER = 10;
const HOLDS = GROUPS * TOGETHER;
const PRUNER = fileURLToPath(new URL("pruner.mjs", import.meta.url));
const BY = { who: "ann", role: "admin", reason: "letter of the regulator" };

/** The other process has an SQLite file to itself for most of the time. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await pause(5);
    }
}

describe.each(DIALECTS)("hold and prune at once on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  let pruner: ChildProcess;
  let lines: Interface;
  /** Numbers that were written to the other process, and the last one that it had read before a round that has ended. */
  const rounds = { asked: 0, done: 0 };
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
    await newestBatch(fresh, store);
    pruner = spawn(process.execPath, [PRUNER, fresh.url], { stdio: ["pipe", "pipe", "inherit"] });
    lines = createInterface({ input: pruner.stdout! }).setMaxListeners(2 * TOGETHER);
    Object.assign(rounds, { asked: 0, done: 0 });
    lines.on("line", (line) => (rounds.done = Number(line)));
    await once(lines, "line");
  });
  afterEach(async () => {
    const ended = once(pruner, "close");
    pruner.stdin?.end();
    await ended;
    await fresh.close();
  });

  /** Until a round has ended that began afterwards. */
  async function prunedSince(): Promise<void> {
    rounds.asked += 1;
    const mine = rounds.asked;
    pruner.stdin?.write(`${mine}\n`);
    while (rounds.done < mine) await once(lines, "line");
  }

  test(
    `${HOLDS} times: what is held from the answer on is still there when it is released`,
    { timeout: 180_000 + HOLDS * 4_000 },
    async () => {
      const holds = new Holds(fresh.database);
      const met = { whole: 0, part: 0, tooLate: 0, lost: 0 };
      /** A batch that is being removed, or is about to be, and a hold on it or on one of its calls. */
      const one = async (n: number): Promise<void> => {
        const batchId = await patiently(() => oldBatch(fresh, store, 400, 150));
        const before = 1 + 150 * 6;
        await pause(Math.random() * 400);
        const subject =
          n % 2 === 0
            ? ({ scope: "batch", batchId, subject: null } as const)
            : ({ scope: "call", batchId, subject: "C3" } as const);
        const hold = await patiently(() => holds.hold(subject, BY)).catch((error: unknown) => {
          if (error instanceof HoldRefusedError) return null;
          throw error;
        });
        if (hold === null) {
          met.tooLate += 1;
          return;
        }
        const held = await patiently(() => heldRows(batchId, subject.scope));
        met[(await patiently(() => eventsOf(batchId))) < before ? "part" : "whole"] += 1;
        await prunedSince();
        const after = await patiently(() => heldRows(batchId, subject.scope));
        if (JSON.stringify(after) !== JSON.stringify(held)) met.lost += 1;
        await patiently(() => holds.release(hold.number, BY));
        await prunedSince();
        expect(await store.batch(batchId)).toBeNull();
      };
      for (let group = 0; group < GROUPS; group++)
        await Promise.all(Array.from({ length: TOGETHER }, (_, n) => one(n)));
      await reportFault(
        `hold-${dialect}`,
        `${HOLDS} holds on ${dialect} beside a process that prunes: ${met.whole} before it had removed something, ${met.part} in the middle, ` +
          `${met.tooLate} too late and refused; held rows lost: ${met.lost}`,
      );
      expect(met.lost).toBe(0);
      expect(met.whole + met.part).toBeGreaterThan(0);
    },
  );

  async function heldRows(batchId: number, scope: "batch" | "call") {
    const left = await leftOf(fresh.database, batchId);
    const { kysely } = fresh.database;
    let events = kysely.selectFrom("batchExecutionLog").select(["id", "payload"]).where("batchId", "=", batchId);
    if (scope === "call") events = events.where("fileName", "=", "c3.wav");
    const of = (keys: readonly string[]): string[] => keys.filter((key) => scope === "batch" || key === "C3");
    const { transcript, auditAnswer, extractedTrade, callRecord } = left;
    return {
      events: await events.orderBy("id").execute(),
      results: [transcript, auditAnswer, extractedTrade, callRecord].map(of),
      ...(scope === "batch" && { trades: [left.trade, left.tradeCall, left.review] }),
    };
  }

  async function eventsOf(batchId: number): Promise<number> {
    const select = fresh.database.kysely.selectFrom("batchExecutionLog").select((eb) => eb.fn.countAll().as("events"));
    return Number((await select.where("batchId", "=", batchId).executeTakeFirstOrThrow()).events);
  }
});
