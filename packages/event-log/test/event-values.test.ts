/** What callers hand over costs only itself: it is replaced or made text where it stands, and the event is stored. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Json, LogEventDetail } from "@cofi/event-log/events";
import { EventLogger, JsonText } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

const sha256 = (content: string): string => createHash("sha256").update(content).digest("hex");
const throwing = (): never => {
  throw new Error("no");
};
const circular: Record<string, unknown> = { model: "m" };
circular["self"] = circular;
/** Says of itself that it is another like it. */
const endless = { kept: 1, toJSON: (): unknown => ({ ...endless }) };
class EndlessArray extends Array<number> {
  override *[Symbol.iterator](): Generator<number, undefined> {
    for (;;) yield 0;
  }
}
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { a: value };
  return value;
}

/** Beside a value that is clean: what becomes of the field, as JSON. */
const FIELDS: Record<string, [value: unknown, stored: unknown]> = {
  "a circle": [circular, { model: "m", self: "[circular]" }],
  "a circle through an array": [[circular], [{ model: "m", self: "[circular]" }]],
  "a BigInt": [10n ** 30n, "1000000000000000000000000000000"],
  "a Map": [new Map<string, unknown>([["a", new Map([[1, 2]])]]), { a: [[1, 2]] }],
  "a Set": [new Set([1, "x"]), [1, "x"]],
  "an Error": [new Error("no audio", { cause: new Error("empty file") }), "no audio: empty file"],
  "a Date": [new Date(0), "1970-01-01T00:00:00.000Z"],
  "an invalid Date": [new Date(Number.NaN), "[invalid date]"],
  "a function": [() => 1, "[function without a name]"],
  "a symbol": [Symbol("s"), "[Symbol(s)]"],
  "a getter that throws": [
    Object.defineProperty({ b: 1 }, "a", { get: throwing, enumerable: true }),
    { a: "[cannot be read: no]", b: 1 },
  ],
  "a toJSON that throws": [{ toJSON: throwing }, "[cannot be read: no]"],
  "a toJSON": [{ toJSON: () => ({ n: Number.NaN }) }, { n: "NaN" }],
  "a toJSON that returns nothing": [[{ toJSON: () => undefined }], [null]],
  "a toJSON that never ends": [endless, { kept: 1, toJSON: "[function toJSON]" }],
  "a proxy that throws": [new Proxy({}, { ownKeys: throwing }), "[cannot be read: no]"],
  "a proxy without a prototype": [new Proxy({}, { getPrototypeOf: throwing }), "[cannot be read: no]"],
  "an array with an item that throws": [
    Object.defineProperty([1, 2, 3], 1, { get: throwing, enumerable: true }),
    [1, "[cannot be read: no]", 3],
  ],
  "an array that never ends": [new EndlessArray(1, 2), [1, 2]],
  bytes: [Buffer.from("abc"), `[3 bytes, SHA-256 ${sha256("abc")}]`],
  "a typed array": [new Float32Array([1.5, Number.NaN]), [1.5, "NaN"]],
  "no numbers": [
    [Number.NaN, Infinity, -Infinity],
    ["NaN", "Infinity", "-Infinity"],
  ],
  "undefined in an array": [
    [undefined, 1],
    [null, 1],
  ],
  "a lone surrogate": [{ "k\ud800": "a \udc00 b 😀" }, { "k\ufffd": "a \ufffd b 😀" }],
  "two names that become one": [
    { "k\ud800": 1, "k\udc00": 2 },
    { "k\ufffd": 1, "k\ufffd'": 2 },
  ],
  "U+0000": [{ "k\0": "a\0b" }, { "k\0": "a\0b" }],
  "boxed values": [
    [Object("s"), Object(7), Object(1n)],
    ["s", 7, "1"],
  ],
  "a regular expression and a URL": [
    [/x/g, new URL("http://a/b")],
    ["/x/g", "http://a/b"],
  ],
  "an object without fields": [
    [new WeakMap(), Promise.resolve(1)],
    ["[WeakMap]", "[Promise]"],
  ],
  "JSON in a value": [new JsonText('{"a": 1}'), { a: 1 }],
  "a name that is a prototype's": [
    JSON.parse('{"__proto__": {"n": 1}, "x": null}'),
    JSON.parse('{"__proto__": {"n": 1}, "x": null}'),
  ],
};

describe.each(DIALECTS)("values on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  let batchId: number;
  let folder: string;
  let logger: EventLogger;
  const problems: string[] = [];
  beforeEach(async () => {
    problems.length = 0;
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
    batchId = (await store.createBatch({ name: "night", folder: null })).id;
    folder = await mkdtemp(join(tmpdir(), "cofi-values-"));
    const onProblem = ({ message }: { message: string }): void => void problems.push(message);
    logger = await EventLogger.open({ batchId, spoolDir: folder, store, onProblem, maxTextBytes: 100_000 });
  });
  afterEach(async () => {
    await logger.close();
    await fresh.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** In the order in which they were logged. */
  async function stored(): Promise<LogEventDetail[]> {
    expect(await logger.drain(30_000)).toBe(true);
    expect(problems).toEqual([]);
    const { events } = await store.events(batchId, { limit: 200 });
    const details = await Promise.all(events.map(({ id }) => store.event(id)));
    return details.flatMap((event) => (event ? [event] : [])).toReversed();
  }

  test("each costs only itself where it is the whole payload, response or metadata", async () => {
    const values: typeof FIELDS = { ...FIELDS, "a toJSON that returns nothing": [{ toJSON: () => undefined }, null] };
    for (const [name, [value]] of Object.entries(values))
      await logger.fileComplete("stt", name, { payload: value, response: value, metadata: value as Json });
    for (const { fileName, payload, response, metadata } of await stored()) {
      const expected = values[fileName!]![1];
      expect(JSON.parse(payload!), fileName!).toEqual(expected);
      expect(JSON.parse(response!), fileName!).toEqual(expected);
      expect(metadata, fileName!).toEqual(expected);
    }
  });

  test("each costs only itself, in payload, response and metadata", async () => {
    for (const [name, [value]] of Object.entries(FIELDS)) {
      const whole = { before: "kept", value, after: [1, { kept: true }] };
      await logger.fileComplete("stt", name, { payload: whole, response: [whole], metadata: whole as unknown as Json });
    }
    const events = await stored();
    expect(events.map(({ fileName }) => fileName)).toEqual(Object.keys(FIELDS));
    for (const event of events) {
      const whole = { before: "kept", value: FIELDS[event.fileName!]![1], after: [1, { kept: true }] };
      expect(JSON.parse(event.payload!), event.fileName!).toEqual(whole);
      expect(JSON.parse(event.response!), event.fileName!).toEqual([whole]);
      expect(event.metadata, event.fileName!).toEqual(whole);
    }
  });

  test("what is too long or too deep is left out where it stands", async () => {
    const values = { long: Array(10_000_000).fill(1), shared: shared(60), deep: nested(100_000) };
    for (const [name, value] of Object.entries(values)) {
      const whole = { before: "kept", value, after: "kept" };
      await logger.fileStart("stt", name, { payload: whole, metadata: whole as unknown as Json });
    }
    // As deep as the servers read JSON, and a level deeper.
    for (const levels of [29, 31])
      await logger.info("stt", `${levels}`, { metadata: { value: nested(levels) } as Json });
    const events = await stored();
    const [long, , deep] = events.map(({ payload }) => payload!);
    expect(JSON.parse(long!)).toMatchObject({ before: "kept", after: "kept" });
    expect(long).toContain("[9999900 more of 10000000 items, left out]");
    expect(JSON.parse(deep!)).toMatchObject({ before: "kept", after: "kept" });
    expect(deep).toContain("[nested deeper than 200 levels]");
    for (const { metadata } of events.slice(0, 3)) expect(metadata).toMatchObject({ before: "kept" });
    expect(events.map(({ metadata }) => metadata).slice(3)).toEqual([
      { value: nested(29), message: "29" },
      { value: expect.anything() as unknown, message: "31" },
    ]);
  });

  test("a text that is JSON is stored byte for byte, and one that is not is refused where it is made", async () => {
    const text = '{ "a" : 1.0,\n "text":"caf\\u00e9 é", "big":12345678901234567890 }';
    await logger.fileComplete("stt", "a", { payload: new JsonText("[ ]"), response: new JsonText(text) });
    const [event] = await stored();
    expect([event?.payload, event?.response]).toEqual(["[ ]", text]);
    expect(() => new JsonText("{")).toThrow(/JsonText takes a text that is JSON/);
  });

  test("metadata that is too large stays JSON and says what is missing", async () => {
    const metadata = { skipped: "too short", long: "ख".repeat(100_000), list: Array(20_000).fill("x"), last: 7 };
    await logger.info("stt", "m", { metadata });
    await logger.fileStart("stt", "a", { payload: 1, metadata: "y".repeat(100_000) });
    const crowd = Object.fromEntries(Array.from({ length: 30_000 }, (_, n) => [n, n]));
    await logger.fileStart("stt", "b", { payload: 1, metadata: crowd });
    await logger.info("stt", "crowded", { metadata: { ["k".repeat(70_000)]: 1, ...crowd, skipped: "too short" } });
    const [event, text, many, crowded] = await stored();
    const whole = JSON.stringify({ ...metadata, message: "m" });
    expect(event?.metadata).toMatchObject({
      skipped: "too short",
      long: `${"ख".repeat(1_000)}…`,
      last: 7,
      message: "m",
      metadataCut: { bytes: Buffer.byteLength(whole), sha256: sha256(whole) },
    });
    expect(text?.metadata).toMatchObject({ metadataCut: { bytes: 100_002 } });
    expect(many?.metadata).toMatchObject({ 0: 0, 1000: 1000 });
    expect(crowded?.metadata).toMatchObject({ message: "crowded", 0: 0, 1000: 1000 });
  });

  test("names and numbers are bounded, and two long names stay two", async () => {
    const long = "x".repeat(300);
    await logger.fileStart("s".repeat(80) as "stt", `${long}1`, {
      payload: 1,
      gpuIp: "h".repeat(99),
      attempt: Number.NaN,
    });
    await logger.fileStart("stt", `${long}2\0`, { payload: 1, durationMs: -5, attempt: 2 ** 40 });
    await logger.fileStart(null as unknown as "stt", { a: 1 } as unknown as string, { payload: 1, durationMs: 1.6 });
    await logger.stageComplete("stt", { status: "odd" as "failed", processedFiles: -1, totalFiles: 3.4 });
    const details = Object.defineProperty({ response: 1 }, "attempt", { get: throwing, enumerable: true });
    await logger.fileComplete("stt", "a\0\ud800", details);
    await (logger.fileError as (stage: string) => Promise<boolean>).call(logger, "stt");
    const [one, two, three, four, five, six] = await stored();
    expect(one).toMatchObject({ stage: "s".repeat(50), gpuIp: "h".repeat(50), attempt: null });
    expect(one?.fileName).toHaveLength(255);
    expect(one?.fileName).not.toBe(two?.fileName);
    expect(two).toMatchObject({ durationMs: null, attempt: 2 ** 31 - 1 });
    expect(three).toMatchObject({ stage: "unknown", fileName: "{ a: 1 }", durationMs: 2 });
    expect(four).toMatchObject({ status: null, processedFiles: null, totalFiles: 3 });
    expect(five).toMatchObject({ fileName: "a\ufffd\ufffd", response: "1", attempt: null });
    expect(six).toMatchObject({ eventType: "error", errorMessage: "an error without a message (undefined)" });
  });
});

/** An array that holds another one twice, and so on: small in memory, endless as text. */
function shared(levels: number): unknown {
  let value: unknown[] = [1];
  for (let level = 0; level < levels; level++) value = [value, value];
  return value;
}
