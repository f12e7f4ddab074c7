/** What damage to the spool's files costs: the events that it hit, and no others. */
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Batch } from "@cofi/event-log/events";
import { EventLogger, shipLeftovers } from "@cofi/event-log/event-logger";
import { Spool, type StoredEvent } from "@cofi/event-log/spool";
import { Store } from "@cofi/event-log/store";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { storedEvent } from "./stored-event.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-damage-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const spoolFiles = (): string[] => readdirSync(folder).filter((name) => name.endsWith(".spool"));

describe("read back by the next run", () => {
  const EVENTS = 400;
  let fresh: FreshDatabase;
  let store: Store;
  let batch: Batch;
  let path: string;
  beforeEach(async () => {
    fresh = await freshDatabase("sqlite");
    store = new Store(fresh.database);
    batch = await store.createBatch({ name: "night", folder: null });
    const logger = await EventLogger.open({ batchId: batch.id, spoolDir: folder, store: away });
    for (let n = 0; n < EVENTS; n++)
      void logger.fileComplete("stt", `${n}`, { response: { n, text: "x".repeat(300) } });
    expect(await logger.close(0)).toEqual({ unshipped: EVENTS, lost: 0 });
    expect(spoolFiles()).toHaveLength(1);
    path = join(folder, spoolFiles()[0]!);
  });
  afterEach(() => fresh.close());

  /** A database that is away, for as long as the spool is filled. */
  const away = {
    insertEvents: () => Promise.reject(Object.assign(new Error("down"), { code: "ECONNREFUSED" })),
  } as unknown as Store;

  async function recovered(): Promise<{ stored: number; problems: string[]; files: string[] }> {
    const problems: string[] = [];
    const report = ({ message }: { message: string }): void => void problems.push(message);
    await shipLeftovers(folder, store, report);
    const logger = await EventLogger.open({ batchId: batch.id, spoolDir: folder, store, onProblem: report });
    await logger.fileComplete("stt", "next run", { response: 1 });
    expect(await logger.close(10_000)).toEqual({ unshipped: 0, lost: 0 });
    const { events } = await store.events(batch.id, { limit: 1_000 });
    expect(events[0]?.fileName).toBe("next run");
    const numbers = events.slice(1).map(({ fileName }) => Number(fileName));
    expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
    return { stored: numbers.length, problems, files: readdirSync(folder) };
  }

  test("overwritten in the middle: the loss is told exactly, the file is kept as it was", async () => {
    const content = readFileSync(path);
    const middle = Math.floor(content.length / 2);
    content.fill(0xa5, middle, middle + 5_000);
    writeFileSync(path, content);
    const { stored, problems, files } = await recovered();
    expect(EVENTS - stored).toBeLessThan(15);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`was damaged: ${EVENTS - stored} events were lost; all others were recovered`);
    const [kept] = files;
    expect(files).toEqual([expect.stringMatching(/\.spool\.damaged$/)]);
    expect(problems[0]).toContain(join(folder, kept!));
    const label = content.indexOf("\n");
    expect(readFileSync(join(folder, kept!)).subarray(label).equals(content.subarray(label))).toBe(true);
  });

  test("cut off in the middle: what is there is recovered, and the bytes left over are told", async () => {
    truncateSync(path, Math.floor(statSync(path).size / 2));
    const { stored, problems } = await recovered();
    expect(problems).toEqual([expect.stringMatching(/damaged: .* \d+ bytes at its end hold nothing that can be read/)]);
    expect(stored).toBeGreaterThan(EVENTS / 3);
  });

  test("other content altogether: nothing can be read, and the run starts all the same", async () => {
    writeFileSync(path, "not a spool, but long enough to look at".repeat(200));
    const { stored, problems, files } = await recovered();
    expect(stored).toBe(0);
    expect(problems).toEqual([expect.stringMatching(/its first line cannot be read/)]);
    expect(files).toEqual([expect.stringMatching(/\.spool\.damaged$/)]);
  });

  test("garbage in the lock keeps nobody out", async () => {
    writeFileSync(join(folder, `batch-${batch.id}.lock`), "garbage ".repeat(1_000));
    expect(await recovered()).toEqual({ stored: EVENTS, problems: [], files: [] });
  });
});

/** Everything, as a shipper takes it: in parts, each confirmed before the next. */
function readAll(spool: Spool): StoredEvent[] {
  const events: StoredEvent[] = [];
  for (let part = spool.oldest(7, 4_000_000); part.length > 0; part = spool.oldest(7, 4_000_000)) {
    events.push(...part.map(({ event }) => event));
    spool.confirm(part.at(-1)!.seq);
  }
  return events;
}

const ROUNDS = 1_000;

test(`${ROUNDS} corruptions: the spool opens every time and gives back every event that was not hit, unchanged`, () => {
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const kinds = ["flip a bit", "overwrite", "zeroes", "cut off", "take out", "put in", "append"] as const;
  const seen = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const spool = Spool.open(folder, 7);
    const bounds: number[] = [];
    const events = Array.from({ length: 30 }, (_, n) =>
      storedEvent({
        batchId: 7,
        fileName: `${n}`,
        payload: "ख".repeat(random(300)),
        eventId: `event-${n}`,
      }),
    );
    for (const event of events) {
      spool.append([event]);
      bounds.push(statSync(join(folder, spoolFiles()[0]!)).size);
    }
    spool.close();
    const path = join(folder, spoolFiles()[0]!);
    const before = readFileSync(path);

    const kind = kinds[random(kinds.length)]!;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    const from = random(before.length);
    const length = Math.min(1 + random(2_000), before.length - from);
    const hole = Buffer.from(before.subarray(from, from + length));
    const junk = Buffer.from(Array.from({ length }, () => random(256)));
    const around = (middle: Buffer): Buffer =>
      Buffer.concat([before.subarray(0, from), middle, before.subarray(from + length)]);
    if (kind === "flip a bit")
      writeFileSync(path, around(Buffer.from([...hole].map((byte, n) => (n === 0 ? byte ^ (1 << random(8)) : byte)))));
    else if (kind === "overwrite") writeFileSync(path, around(junk));
    else if (kind === "zeroes") writeFileSync(path, around(Buffer.alloc(length)));
    else if (kind === "cut off") truncateSync(path, from);
    else if (kind === "take out") writeFileSync(path, around(Buffer.alloc(0)));
    else if (kind === "put in")
      writeFileSync(path, Buffer.concat([before.subarray(0, from), junk, before.subarray(from)]));
    else appendFileSync(path, junk);

    // An event is sound when the bytes of its record stand somewhere in the file as they were written.
    const after = readFileSync(path);
    const sound = events.filter((_, n) => {
      const record = before.subarray(n === 0 ? before.indexOf("\n") + 1 : bounds[n - 1]!, bounds[n]!);
      return after.includes(record);
    });

    const damages: string[] = [];
    const again = Spool.open(folder, 7, { onDamage: (message) => damages.push(message) });
    const found = readAll(again);
    again.close();
    expect(found, `round ${round}: ${kind} at ${from}, ${length} bytes`).toEqual(sound);
    const changed = !after.equals(before);
    if (sound.length < events.length && changed && after.length > 0 && !isCleanCut(kind, from, before, bounds))
      expect(damages, `round ${round}: ${kind}`).toHaveLength(1);
    const lost = Number(/(\d+) events? (?:was|were) lost/.exec(damages[0] ?? "")?.[1] ?? 0);
    expect(lost).toBeLessThanOrEqual(events.length - sound.length);
    for (const name of readdirSync(folder)) if (name.includes("damaged")) rmSync(join(folder, name));
    expect(readdirSync(folder)).toEqual([]);
  }
  expect([...seen.keys()].toSorted()).toEqual([...kinds].toSorted());
});

/** A file that ends exactly where a record ends looks whole, whatever came after. */
function isCleanCut(kind: string, from: number, before: Buffer, bounds: readonly number[]): boolean {
  const isBound = (at: number): boolean => bounds.includes(at) || at === before.indexOf("\n") + 1;
  return (kind === "cut off" || kind === "take out") && isBound(from);
}

test("a backlog of several files is all there in the next process", () => {
  fillSeveralFiles();
  const again = Spool.open(folder, 7);
  const names = readAll(again).map(({ fileName }) => Number(fileName));
  again.close();
  expect(names).toEqual(Array.from({ length: 60 }, (_, n) => n));
  expect(readdirSync(folder)).toEqual([]);
});

function fillSeveralFiles(): void {
  const spool = Spool.open(folder, 7);
  const text = "x".repeat(1_000_000);
  for (let n = 0; n < 60; n++) spool.append([storedEvent({ payload: text, fileName: `${n}`, eventId: `event-${n}` })]);
  spool.close();
  expect(spoolFiles().length).toBeGreaterThan(2);
}

test("a file of several that is gone: the gap is told, the events around it are there", () => {
  fillSeveralFiles();
  rmSync(join(folder, spoolFiles()[1]!));
  const damages: string[] = [];
  const again = Spool.open(folder, 7, { onDamage: (message) => damages.push(message) });
  const names = readAll(again).map(({ fileName }) => Number(fileName));
  expect(again.waiting).toBe(0);
  again.close();
  expect(names).toEqual(names.toSorted((a, b) => a - b));
  expect(damages).toEqual([expect.stringContaining(`${60 - names.length} events were lost`)]);
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/damaged$/)]);
});

test("the file that is written to gives its room back when all of it is confirmed", () => {
  const spool = Spool.open(folder, 7);
  for (let n = 0; n < 4; n++) {
    spool.append([storedEvent({ payload: "x".repeat(2_000_000), eventId: `event-${n}` })]);
    readAll(spool);
    expect(spoolFiles()).toEqual([]);
  }
  spool.close();
});

test("what was confirmed is not read again by the next process, and a spool that was never written to leaves nothing", () => {
  const first = Spool.open(folder, 7);
  first.append(Array.from({ length: 10 }, (_, n) => storedEvent({ fileName: `${n}`, eventId: `event-${n}` })));
  first.confirm(first.oldest(4, 1_000_000).at(-1)!.seq);
  first.close();
  const second = Spool.open(folder, 7);
  expect(second.waiting).toBe(6);
  expect(second.oldest(100, 1_000_000).map(({ event }) => event.fileName)).toEqual(["4", "5", "6", "7", "8", "9"]);
  second.confirm(10);
  second.close();
  Spool.open(folder, 7).close();
  expect(readdirSync(folder)).toEqual([]);
});
