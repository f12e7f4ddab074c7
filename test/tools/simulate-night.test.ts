/** The simulation of a night, where the answer is known. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EventLogger } from "@cofi/event-log/event-logger";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { drawCalls, recordedCalls } from "../../tools/night/recorded-calls.mjs";
import { simulateNight, type NightHost } from "../../tools/night/simulated-night.mjs";
import { nightOf } from "../../tools/simulate-night.mjs";
import { freshDatabase } from "../support/databases.js";

/** A look at each host, before it is asked. */
const LOOK_MS = 5;

function night(
  calls: { seconds: number; tookMs: Record<string, number> }[],
  hosts: NightHost[],
  { slots = 1, failing = 0 } = {},
) {
  const stages = [...new Set(calls.flatMap(({ tookMs }) => Object.keys(tookMs)))];
  return simulateNight({
    calls: {
      audioSeconds: Float64Array.from(calls, ({ seconds }) => seconds),
      tookMs: new Map(
        stages.map((stage) => [stage, Float64Array.from(calls, (call) => call.tookMs[stage] ?? Number.NaN)]),
      ),
    },
    hosts,
    slotsOf: () => slots,
    hostsOf: () => hosts.length,
    failing,
    random: () => 0.5,
  });
}

const alike = (count: number, tookMs: Record<string, number>) =>
  Array.from({ length: count }, () => ({ seconds: 60, tookMs }));

test("calls that are all alike take as many turns as there are for each slot, stage after stage", () => {
  const [denoise, stt] = night(alike(120, { denoise: 1_000, stt: 3_000 }), [{ speed: 1 }, { speed: 1 }, { speed: 2 }], {
    slots: 5,
  });
  // 120 calls on slots that do 5, 5 and 10 a second.
  expect(denoise).toMatchObject({ stage: "denoise", calls: 120, hosts: 3, slots: 5, leastMs: 6_000, failed: 0 });
  expect(denoise!.endsAt).toBe(6_000 + LOOK_MS);
  expect(stt).toMatchObject({ stage: "stt", beginsAt: denoise!.endsAt, leastMs: 18_000 });
  expect(stt!.endsAt).toBe(denoise!.endsAt + 18_000 + LOOK_MS);
  expect(stt!.use).toBeCloseTo(1, 2);
});

test("a call that a stage leaves out takes none of its time", () => {
  const calls = [...alike(10, { stt: 1_000, llm1: 500 }), ...alike(10, { stt: 1_000 })];
  const stages = night(calls, [{ speed: 1 }]);
  expect(stages.map(({ stage, calls: count, endsAt, beginsAt }) => [stage, count, endsAt - beginsAt])).toEqual([
    ["stt", 20, 20_000 + LOOK_MS],
    ["llm1", 10, 5_000 + LOOK_MS],
  ]);
});

test("a host that hangs costs hardly more than that it is missing, and no call", () => {
  const [stt] = night(alike(3_000, { stt: 1_000 }), [{ speed: 1, hangs: true }, { speed: 1 }, { speed: 1 }]);
  expect(stt).toMatchObject({ failed: 0, leastMs: 1_000_000 });
  expect(stt!.further).toBeGreaterThan(0);
  expect(stt!.endsAt).toBeGreaterThanOrEqual(1_500_000);
  expect(stt!.endsAt).toBeLessThan(1_600_000);
});

test("a host that is restarted loses what it had in work, and no call is lost", () => {
  const away = [{ at: 100_500, forMs: 120_000 }];
  const [stt] = night(alike(1_000, { stt: 1_000 }), [{ speed: 1, away }, { speed: 1 }], { slots: 2 });
  expect(stt).toMatchObject({ failed: 0, leastMs: 250_000 });
  expect(stt!.further).toBeGreaterThanOrEqual(2);
  // Two minutes of one of two hosts, and at most half a minute until it is noticed that it is back.
  expect(stt!.endsAt).toBeGreaterThanOrEqual(250_000 + 60_000);
  expect(stt!.endsAt).toBeLessThan(250_000 + 60_000 + 20_000);
});

test("calls are those of a batch, as they were on hosts that are as quick as the others", async () => {
  const fresh = await freshDatabase("sqlite");
  const folder = await mkdtemp(join(tmpdir(), "cofi-night-"));
  try {
    const store = new Store(fresh.database);
    const batch = await store.createBatch({ name: "night", folder: null });
    const calls = [30, 60, 90].map((durationS) => ({
      callId: `C${durationS}`,
      fileName: `${durationS}.wav`,
      startTime: new Date("2026-11-20T04:00:00Z"),
      durationS,
      direction: null,
      callerNumber: null,
      calleeNumber: null,
      extension: null,
      dealerId: null,
      clientCode: null,
      channels: 1,
    }));
    await new Results(fresh.database).replaceCalls({ batchId: batch.id, run: 0 }, calls);
    const logger = await EventLogger.open({ batchId: batch.id, spoolDir: folder, store });
    const done = (stage: "stt" | "llm1", seconds: number, gpuIp: string, durationMs: number) =>
      logger.fileComplete(stage, `${seconds}.wav`, { response: {}, gpuIp, durationMs });
    await done("stt", 30, "a", 300);
    await done("stt", 60, "b", 1_200);
    await logger.fileError("stt", "90.wav", { error: "no", gpuIp: "a", durationMs: 5, willRetry: true });
    await done("stt", 90, "a", 900);
    await done("llm1", 60, "b", 70);
    await logger.close();
    const recorded = await recordedCalls(fresh.url, batch.id);
    expect(recorded.map(({ audioSeconds, tookMs }) => [audioSeconds, Object.fromEntries(tookMs)])).toEqual([
      [30, { stt: 300 }],
      [60, { stt: 600, llm1: 70 }],
      [90, { stt: 900 }],
    ]);
    const drawn = drawCalls(recorded, 1_000, Math.random);
    expect([...new Set(drawn.audioSeconds)].toSorted()).toEqual([30, 60, 90]);
    drawn.audioSeconds.forEach((seconds, call) => expect(drawn.tookMs.get("stt")![call]).toBe(seconds * 10));
    const printed = await nightOf([
      "--database",
      fresh.url,
      "--batch",
      String(batch.id),
      "--calls",
      "90",
      "--hosts",
      "3",
    ]);
    expect(printed).toMatch(/^90 calls, .*\n\nstage .*\nstt +90 +3 x 2 .*\nllm1 /);
    await expect(recordedCalls(fresh.url, batch.id + 1)).rejects.toThrow(/holds no call with its duration/);
  } finally {
    await fresh.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test("the command says what it takes, and what is wrong with its arguments", async () => {
  expect(await nightOf(["--help"])).toBeNull();
  expect(
    await nightOf(["--calls", "300", "--hosts", "3", "--hangs", "1", "--restarts", "1", "--failing", "0.01"]),
  ).toMatch(/The night takes \d+\.\d\d hours, \d\.\d\d times the least/);
  await expect(nightOf(["--slots", "2,whisper=4"])).rejects.toThrow(/names the stage "whisper"; the stages are .*stt/);
  await expect(nightOf(["--hosts", "0"])).rejects.toThrow("--hosts takes a whole number of at least 1");
  await expect(nightOf(["--database", "sqlite:x"])).rejects.toThrow("--database needs --batch");
  await expect(nightOf(["--hots", "3"])).rejects.toThrow(/hots/);
});
