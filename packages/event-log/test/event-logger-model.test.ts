/**
 * The logger in random interleavings of log calls, commits, faults of the disk and of the database, drain and close. Whatever
 * happens: every promise is settled once the logger is closed, every acknowledged event is stored once and in order, and
 * drain() and close() say what is so. `COFI_LOGGER_INTERLEAVINGS` says how many; `npm run faults` takes 10,000.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EventLogger, shipLeftovers } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { FaultyDatabase } from "./faulty-database.js";
import { FaultyDisk } from "./faulty-disk.js";

const INTERLEAVINGS = Number(process.env["COFI_LOGGER_INTERLEAVINGS"] ?? 300);
/** So many of them end in a real database. */
const REAL_SHARE = 20;
const STEPS = 40;

let fresh: FreshDatabase;
let disk: FaultyDisk;
let folder: string;
beforeEach(async () => {
  fresh = await freshDatabase("sqlite");
  folder = mkdtempSync(join(tmpdir(), "cofi-model-"));
  disk = new FaultyDisk();
});
afterEach(async () => {
  vi.useRealTimers();
  disk.restore();
  await fresh.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Mulberry32: numbers from 0 up to, and not including, `below`. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A promise and what became of it. */
interface Watched<T> {
  value: T | undefined;
  isSettled: boolean;
}
function watch<T>(promise: Promise<T>, then: (value: T) => void = () => undefined): Watched<T> {
  const watched: Watched<T> = { value: undefined, isSettled: false };
  void (async () => {
    const value = await promise;
    Object.assign(watched, { value, isSettled: true });
    then(value);
  })();
  return watched;
}

interface Logged {
  name: string;
  outcome: Watched<boolean>;
}

/** One interleaving. @returns how many events it logged, and how many of them were acknowledged */
async function interleave(seed: number, real: Store | null, batchId: number) {
  const random = randomFrom(seed);
  const pick = <T>(...choices: readonly T[]): T => choices[random(choices.length)]!;
  const database = new FaultyDatabase(real);
  database.state = pick("up", "down", "slow");
  disk.state = pick("works", "works", "full");
  const trace: string[] = [`seed ${seed}`];
  const explain = (): string => trace.join(", ");
  const durability = pick("process", "power");
  const logger = await EventLogger.open({ batchId, spoolDir: folder, store: database, durability });
  const logged: Logged[] = [];
  const drains: Watched<boolean>[] = [];
  let closing: Watched<{ unshipped: number }> | null = null;
  /** Acknowledged, and neither stored nor refused for what they are. */
  const missing = (events: readonly Logged[]): string[] => {
    const stored = new Set(database.names);
    return events
      .filter(({ name, outcome }) => outcome.value && !stored.has(name) && !FaultyDatabase.cannotStore(name))
      .map(({ name }) => name);
  };
  const logOne = (): void => {
    const name = `${random(12) === 0 ? "bad " : ""}${logged.length}`;
    const isText = random(2) === 0;
    const promise = isText
      ? logger.info("stt", "m", { fileName: name })
      : logger.fileStart("stt", name, { payload: 1 });
    // As a stage does: the acknowledgement of one event leads to the next.
    const next = random(4) === 0 ? logOne : () => undefined;
    logged.push({ name, outcome: watch(promise, next) });
  };
  const log = (): void => {
    for (let n = 1 + random(4); n > 0; n--) logOne();
  };
  const steps: Record<string, () => unknown> = {
    log,
    "log again": log,
    "a turn": () => vi.advanceTimersByTimeAsync(0),
    time: () => vi.advanceTimersByTimeAsync(pick(1, 20, 120, 600, 6_000)),
    "sync ends": () => disk.endSync(true),
    "sync ends soon": () => disk.endSync(true),
    "sync fails": () => disk.endSync(false),
    disk: () => (disk.state = pick("works", "works", "full", "half")),
    database: () => (database.state = pick("up", "up", "down", "slow")),
    answer: () => database.answer(pick("stored", "stored", "forgotten", "failed")),
    drain: () => {
      const before = [...logged];
      const done = (isDrained: boolean): void => {
        if (isDrained) expect(missing(before), `drained, ${explain()}`).toEqual([]);
      };
      drains.push(watch(logger.drain(pick(0, 10, 1_000, 60_000)), done));
    },
    close: () => {
      if (random(4) > 0) return;
      closing = watch(logger.close(pick(0, 50, 5_000)), ({ unshipped }) => {
        expect(unshipped, `closed, ${explain()}`).toBeGreaterThanOrEqual(missing(logged).length);
      });
    },
  };
  const names = Object.keys(steps);
  for (let step = 5 + random(STEPS); step > 0; step--) {
    const name = names[random(names.length)]!;
    trace.push(name);
    await steps[name]!();
  }

  // What is well again gets on by itself, without close() or drain() to push it.
  if (!closing && random(2) === 0) {
    disk.state = "works";
    database.state = "up";
    for (let round = 0; round < 50 && logged.some(({ outcome }) => !outcome.isSettled); round++) {
      disk.endSync(true);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(
      logged.filter(({ outcome }) => !outcome.value),
      `not acknowledged, ${durability}, ${explain()}`,
    ).toEqual([]);
    while (database.held > 0) await database.answer("failed");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(missing(logged), `not shipped, ${explain()}`).toEqual([]);
  }
  // Nothing is mended first: close() must end on a disk and a database that do not answer.
  closing ??= watch(logger.close(pick(0, 50, 5_000)));
  await vi.advanceTimersByTimeAsync(70_000);
  const open = [...logged.map(({ outcome }) => outcome), ...drains, closing].filter(({ isSettled }) => !isSettled);
  expect(open, `not settled, ${durability}, ${explain()}`).toEqual([]);

  disk.state = "works";
  database.state = "up";
  while (disk.syncs > 0) disk.endSync(random(2) === 0);
  while (database.held > 0) await database.answer(pick("stored", "forgotten", "failed"));
  await vi.advanceTimersByTimeAsync(10_000);
  await shipLeftovers(folder, database);

  expect(missing(logged), `lost, ${durability}, ${explain()}`).toEqual([]);
  const numbers = database.names.map(Number);
  expect(numbers, `order, ${durability}, ${explain()}`).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  const acknowledged = logged.filter(({ outcome }) => outcome.value).map(({ name }) => name);
  const refused = acknowledged.filter(FaultyDatabase.cannotStore);
  const left = readdirSync(folder);
  expect(left, `left, ${durability}, ${explain()}`).toEqual(left.filter((file) => file.endsWith(".rejected.ndjson")));
  const kept = left.map((file) => readFileSync(join(folder, file), "utf8")).join("");
  expect(
    refused.filter((name) => !kept.includes(`"fileName":"${name}"`)),
    `refused, ${explain()}`,
  ).toEqual([]);
  if (real) {
    const { events } = await real.events(batchId, { limit: 1_000 });
    expect(events.map(({ fileName }) => fileName).toReversed(), explain()).toEqual(database.names);
  }
  for (const file of left) rmSync(join(folder, file));
  return { logged: logged.length, acknowledged: acknowledged.length };
}

test(
  `${INTERLEAVINGS} interleavings: every promise is settled, what is acknowledged is stored once and in order`,
  { timeout: 120_000 + INTERLEAVINGS * 60 },
  async () => {
    const store = new Store(fresh.database);
    disk.install();
    const faked = ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"] as const;
    vi.useFakeTimers({ toFake: [...faked] });
    const total = { logged: 0, acknowledged: 0 };
    for (let seed = 1; seed <= INTERLEAVINGS; seed++) {
      const real = seed % REAL_SHARE === 0 ? store : null;
      const batch = real ? await store.createBatch({ name: `interleaving ${seed}`, folder: null }) : { id: 1 };
      const { logged, acknowledged } = await interleave(seed, real, batch.id);
      total.logged += logged;
      total.acknowledged += acknowledged;
    }
    console.log(
      `${INTERLEAVINGS} interleavings: ${total.logged} logged, ${total.acknowledged} acknowledged, 0 lost, 0 doubled`,
    );
    expect(total.acknowledged).toBeGreaterThan(INTERLEAVINGS);
  },
);
