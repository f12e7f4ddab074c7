/** Whatever is thrown has words: its message, its code, its causes, the errors in it; never "" and never "[object Object]". */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EventLogger } from "@cofi/event-log/event-logger";
import type { StoredEvent } from "@cofi/event-log/spool";

class Odd extends Error {
  override get message(): string {
    throw new Error("no");
  }
}
class Lost {
  #reason = "private";
  reason(): string {
    return this.#reason;
  }
}
const circular = new Error("one");
circular.cause = new Error("other", { cause: circular });
const refused = (port: number): Error =>
  Object.assign(new Error(""), { code: "ECONNREFUSED", syscall: "connect", address: "10.0.0.7", port });

const THROWN: [thrown: unknown, text: string][] = [
  [new Error("no audio"), "no audio"],
  [circular, "one: other"],
  [new Error("query failed: disk full", { cause: new Error("disk full") }), "query failed: disk full"],
  [new Error("m", { cause: { code: "ETIMEDOUT" } }), "m: ETIMEDOUT"],
  [new Error("top", { cause: "a text" }), "top: a text"],
  [new Error(""), "Error without a message"],
  [new TypeError("  "), "TypeError without a message"],
  [refused(3306), "ECONNREFUSED connect 10.0.0.7:3306"],
  [
    new AggregateError([refused(1), refused(2)]),
    "AggregateError without a message: ECONNREFUSED connect 10.0.0.7:1; ECONNREFUSED connect 10.0.0.7:2",
  ],
  [Object.assign(new AggregateError([new Error("a")], ""), { code: "ECONNREFUSED" }), "ECONNREFUSED: a"],
  [
    new AggregateError(
      Array.from({ length: 9 }, (_, n) => new Error(`e${n}`)),
      "all",
    ),
    "all: e0; e1; e2; e3; e4; and 4 more",
  ],
  [new Error("out", { cause: new AggregateError([new Error("a"), "b"], "in") }), "out: in: a; b"],
  [{ code: "E_GPU", message: "out of memory" }, "out of memory (E_GPU)"],
  [{ error: "bad model" }, "bad model"],
  [{ error: { message: "rate limit", code: 429 } }, "rate limit (429)"],
  [{ errors: [{ message: "one" }, { message: "two" }] }, "one; two"],
  [{ detail: "not found" }, "not found"],
  [{ status: 502, statusText: "Bad Gateway" }, "502 Bad Gateway"],
  [new Response("x", { status: 503 }), "503"],
  [new DOMException("stopped", "AbortError"), "stopped (AbortError)"],
  [{ stderr: "gpu lost" }, "{ stderr: 'gpu lost' }"],
  [{ message: { a: 1 } }, "{ a: 1 }"],
  [{ toString: () => "custom" }, "custom"],
  [{}, "an error without a message (an empty object)"],
  [Object.create(null), "an error without a message (an empty object)"],
  [new Lost(), "an error without a message (Lost)"],
  [[], "an error without a message (Array)"],
  [new Error("[object Object]"), "Error without a message"],
  ["[object Object]", "an error without a message (an object turned into a text)"],
  [new Odd(), "Odd without a message"],
  [
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("no");
        },
      },
    ),
    "an error without a message (an empty object)",
  ],
  ["engine gone", "engine gone"],
  ["", "an error without a message (an empty text)"],
  [null, "an error without a message (null)"],
  [undefined, "an error without a message (undefined)"],
  [7, "7"],
  [10n, "10"],
  [false, "false"],
  [Symbol("s"), "Symbol(s)"],
];

test("anything that is thrown is put in words", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cofi-errors-"));
  const stored: StoredEvent[] = [];
  const insertEvents = (events: readonly StoredEvent[]): Promise<void> => Promise.resolve(void stored.push(...events));
  const logger = await EventLogger.open({ batchId: 1, spoolDir: folder, store: { insertEvents } });
  for (const [error] of THROWN) await logger.fileError("stt", "a.wav", { error });
  await logger.fileError("stt", "a.wav", { error: "x\ud800\0".repeat(100_000) });
  expect(await logger.close()).toEqual({ unshipped: 0, lost: 0 });
  const long = stored.pop()?.errorMessage ?? "";
  expect(stored.map(({ errorMessage }) => errorMessage)).toEqual(THROWN.map(([, text]) => text));
  expect([long.length, long.slice(0, 3)]).toEqual([16_000, "x\ufffd\ufffd"]);
  await rm(folder, { recursive: true });
});
