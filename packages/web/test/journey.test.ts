import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logEvent } from "../../../test/support/log-events.js";
import { diffLines } from "../src/views/line-diff.js";
import { triesOf } from "../src/views/tries.js";

describe("triesOf", () => {
  it("puts starts and ends of the same try together, in whatever order they come", () => {
    const file = { fileName: "a.wav" };
    const tries = triesOf([
      logEvent(4, { ...file, eventType: "file_complete", attempt: 2, gpuIp: "h2", durationMs: 80 }),
      logEvent(1, { ...file, eventType: "file_start", attempt: 1, gpuIp: "h1" }),
      logEvent(3, { ...file, eventType: "file_start", attempt: 2 }),
      logEvent(2, { ...file, eventType: "error", status: "processing", attempt: 1, errorMessage: "no answer" }),
      logEvent(5, { ...file, stage: "llm1", eventType: "file_start" }),
    ]);
    expect(tries.map(({ stage, attempt, host, outcome, message }) => [stage, attempt, host, outcome, message])).toEqual(
      [
        ["stt", 1, "h1", "retried", "no answer"],
        ["stt", 2, "h2", "done", null],
        ["llm1", null, null, "running", null],
      ],
    );
  });

  it("knows ends without a start, failures and files that were left out", () => {
    const tries = triesOf([
      logEvent(1, { fileName: "a.wav", eventType: "error", status: "failed" }),
      logEvent(2, { fileName: "a.wav", stage: "llm1", metadata: { skipped: "no trade" } }),
      logEvent(3, { fileName: "a.wav", metadata: { note: "nothing" } }),
    ]);
    expect(tries.map(({ outcome, startId, message }) => [outcome, startId, message])).toEqual([
      ["failed", null, null],
      ["skipped", null, "no trade"],
    ]);
  });
});

describe("diffLines", () => {
  it("keeps what both have and names the rest", () => {
    expect(diffLines("a\nb\nc", "a\nx\nc")).toEqual([
      { kind: "same", text: "a" },
      { kind: "gone", text: "b" },
      { kind: "new", text: "x" },
      { kind: "same", text: "c" },
    ]);
  });

  it("holds both texts whole, and as many common lines as swapping them", () => {
    const text = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 }).map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = diffLines(before, after);
        const of = (kind: string) => diff.filter((line) => line.kind !== kind).map((line) => line.text);
        expect(of("new").join("\n")).toBe(before);
        expect(of("gone").join("\n")).toBe(after);
        const common = (lines: typeof diff) => lines.filter(({ kind }) => kind === "same").length;
        expect(common(diff)).toBe(common(diffLines(after, before)));
      }),
    );
  });
});
