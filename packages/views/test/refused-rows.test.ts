import type { LogEvent } from "@cofi/event-log/events";
import { findingsOf } from "@cofi/views/detail/findings";
import { foldPages } from "@cofi/views/detail/replay";
import { expect, test } from "vitest";
import { BATCH, logEvent } from "../../../test/support/log-events.js";

const start = (id: number): LogEvent =>
  logEvent(id, { stage: "trademetadata", eventType: "file_start", fileName: "trades.csv" });
const error = (id: number, line: number | null): LogEvent =>
  logEvent(id, {
    stage: "trademetadata",
    eventType: "error",
    fileName: "trades.csv",
    status: "processing",
    errorMessage: `trades.csv, line ${line}: side is required but empty.`,
    metadata: { file: "trades.csv", line, code: "MISSING_VALUE" },
  });

const values = (id: number, severity: string, count: number): LogEvent =>
  logEvent(id, {
    stage: "callmetadata",
    eventType: "info",
    fileName: "calls.csv",
    metadata: { message: "calls.csv, line 2: caller_number …", rows: { severity, code: "WITHHELD", count } },
  });

async function* one(events: readonly LogEvent[]): AsyncGenerator<readonly LogEvent[]> {
  yield events;
}

async function textOf(events: readonly LogEvent[]): Promise<string[]> {
  const { detail, summaries } = await foldPages(BATCH, one(events), {});
  const findings = findingsOf(detail, summaries, [], "2026-11-20T10:00:00.000Z");
  return findings.filter(({ kind }) => kind === "rows" || kind === "values").map(({ text }) => text);
}

test("rejected rows of trades.csv are counted as trades, however many errors a row has", async () => {
  expect(await textOf([start(1), error(2, 4), error(3, 4), error(4, 9)])).toEqual(["2 trades will not be audited"]);
  expect(await textOf([start(1), error(2, 4)])).toEqual(["1 trade will not be audited"]);
  expect(await textOf([start(1)])).toEqual([]);
});

test("a file that is read again counts as it was read last", async () => {
  const events = [start(1), error(2, 4), error(3, 5), start(4), error(5, 5)];
  expect(await textOf(events)).toEqual(["1 trade will not be audited"]);
});

test("errors of another writer, which name no lines, are errors in rows", async () => {
  expect(await textOf([start(1), error(2, null), error(3, null)])).toEqual(["2 errors in the rows of Trade metadata"]);
});

test("values that were not understood are counted as the file was read last; notes are not", async () => {
  const read = logEvent(4, { stage: "callmetadata", eventType: "file_start", fileName: "calls.csv" });
  const events = [values(1, "warning", 40), values(2, "warning", 2), values(3, "note", 9)];
  expect(await textOf(events)).toEqual(["42 values of calls.csv need a look"]);
  expect(await textOf([...events, read, values(5, "warning", 1)])).toEqual(["1 value of calls.csv needs a look"]);
  expect(await textOf([...events, read])).toEqual([]);
});
